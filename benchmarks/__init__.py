"""Measurements, each printed and written down by the run that made it."""
