"""Fills a new repository from the catalog; runs in the seeding build, from the seed archive.

Standard library only, except `rendering`, which runs where Copier can be imported.
"""
