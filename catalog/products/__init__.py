"""CDK constructs that a template's product.py composes."""
