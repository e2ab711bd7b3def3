"""Roles in hub and member accounts, and whether an account is ready."""
