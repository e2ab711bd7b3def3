"""catalog.yml and template.yml: models, JSON Schema, errors with line numbers."""

from catalog.manifest.load import find_templates, load_all, load_catalog, load_template
from catalog.manifest.models import (
    CatalogManifest,
    Distribution,
    Portfolio,
    Spokes,
    Target,
    TemplateManifest,
)
from catalog.manifest.reach import Reach, stated_reaches

__all__ = [
    "CatalogManifest",
    "Distribution",
    "Portfolio",
    "Reach",
    "Spokes",
    "Target",
    "TemplateManifest",
    "find_templates",
    "load_all",
    "load_catalog",
    "load_template",
    "stated_reaches",
]
