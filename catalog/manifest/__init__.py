"""catalog.yml and template.yml: models, JSON Schema, errors with line numbers."""
