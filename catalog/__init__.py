"""A catalog of ML project templates for Amazon SageMaker, and what publishes it."""

__version__ = "0.1.0"
