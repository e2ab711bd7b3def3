"""What SageMaker Studio launches for this template."""

from constructs import Construct

from catalog.products.context import ProductContext
from catalog.products.project import Project


def build(scope: Construct, *, context: ProductContext) -> None:
    """Declare a repository, its seeding, artifacts, model registry, build and deployment."""
    Project(scope, "Project", context=context, deploys="Deploy")
