"""Deployment of approved models; see README.md in this folder."""
