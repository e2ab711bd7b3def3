"""What stops a seed, in words for the data scientist who launched the project."""

from __future__ import annotations


class SeedError(Exception):
    """The repository was not seeded; the message says why and what to do."""
