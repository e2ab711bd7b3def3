"""Desired minus observed is the plan; apply runs it."""
