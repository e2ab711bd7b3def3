"""Inline Lambda functions of the products; each file is a whole function."""
