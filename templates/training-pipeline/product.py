"""What SageMaker Studio launches for this template."""

from constructs import Construct

from catalog.products.context import ProductContext
from catalog.products.project import Project


def build(scope: Construct, *, context: ProductContext) -> None:
    """Declare a repository, its seeding, its build pipeline, artifacts and model registry."""
    Project(scope, "Project", context=context)
