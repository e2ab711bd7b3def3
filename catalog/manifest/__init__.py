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

__all__ = [
    "CatalogManifest",
    "Distribution",
    "Portfolio",
    "Spokes",
    "Target",
    "TemplateManifest",
    "find_templates",
    "load_all",
    "load_catalog",
    "load_template",
]
