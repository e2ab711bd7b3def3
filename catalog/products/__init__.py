"""CDK constructs that a template's `product.py` composes into what SageMaker Studio launches.

Entry of a product: `templates/<template>/product.py` defines

    def build(scope: Construct, *, context: ProductContext) -> None

and, for a project with a repository, a build pipeline and a SageMaker pipeline, needs one line:
`Project(scope, "Project", context=context)`.
"""

from catalog.products import _node

_node.use_bundled()
