"""What users see: the products they have a launch path to, and what launching asks of them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from catalog.localaws.core.service import Call, ServiceError
from catalog.localaws.servicecatalog import errors, templates
from catalog.localaws.servicecatalog.artifacts import artifact_view
from catalog.localaws.servicecatalog.base import locked, tag_list
from catalog.localaws.servicecatalog.models import Artifact, Constraint, Product
from catalog.localaws.servicecatalog.organization import SERVICE_PRINCIPAL
from catalog.localaws.servicecatalog.paths import Paths
from catalog.localaws.servicecatalog.products import product_view_summary, search
from catalog.localaws.servicecatalog.stacks import Stacks


class Views(Paths):
    """Operations of users on products."""

    @locked
    def search_products(self, call: Call) -> dict[str, Any]:
        """List the products that the caller may launch; tags are not part of the answer."""
        found = search(call, self.accessible_products(call))
        page, more = self.page(call, found, default=100)
        counts = {
            "Vendor": Counter(p.text["Owner"] for p in found),
            "ProductType": Counter(p.type for p in found),
        }
        return {
            "ProductViewSummaries": [self._summary(call, p) for p in page],
            "ProductViewAggregations": {
                kind: [{"Value": v, "ApproximateCount": n} for v, n in counter.items()]
                for kind, counter in counts.items()
                if counter
            },
            **more,
        }

    @locked
    def describe_product(self, call: Call) -> dict[str, Any]:
        """Return a product with its active versions and the caller's paths to it."""
        if "Id" in call.params:
            product = self._accessible(call, lambda p: p.id == call.params["Id"], "ID")
        elif "Name" in call.params:
            product = self.resolve_product(call, {"ProductName": call.params["Name"]})
        else:
            raise errors.invalid("Either Id or Name must be specified.")
        return {
            "ProductViewSummary": self._summary(call, product),
            "ProvisioningArtifacts": _artifacts(product),
            "Budgets": [],
            "LaunchPaths": [{"Id": p.id, "Name": p.name} for p in self.launch_paths(call, product)],
        }

    @locked
    def describe_product_view(self, call: Call) -> dict[str, Any]:
        """Return a product by its view id (`prodview-`)."""
        product = self._accessible(call, lambda p: p.view_id == call.params["Id"], "view ID")
        return {
            "ProductViewSummary": self._summary(call, product),
            "ProvisioningArtifacts": _artifacts(product),
        }

    @locked
    def list_launch_paths(self, call: Call) -> dict[str, Any]:
        """List the caller's paths to a product, with the tags that launches get from them."""
        product = self.resolve_product(call, {"ProductId": call.params["ProductId"]})
        page, more = self.page(call, self.launch_paths(call, product))
        return {
            "LaunchPathSummaries": [
                {
                    "Id": path.id,
                    "Name": path.name,
                    "ConstraintSummaries": _constraint_summaries(path.constraints),
                    "Tags": tag_list(path.tags),
                }
                for path in page
            ],
            **more,
        }

    def describe_provisioning_parameters(self, call: Call) -> dict[str, Any]:
        """Return what a launch asks for; the launch role must be there already, as on AWS."""
        with self.lock:
            self.settle(self.region(call))
            launchable = self.resolve(call, call.params, updates=True)
            role_arn = self.launch_role_of(call.account, launchable.path)
        if role_arn:
            self.require_summary(call, launchable.artifact, self.assume(role_arn))
        template, path = launchable.artifact.template, launchable.path
        outputs = templates.describe_outputs(template)
        return {
            "ProvisioningArtifactParameters": templates.describe_parameters(template),
            "ConstraintSummaries": _constraint_summaries(path.constraints),
            "UsageInstructions": [],
            "TagOptions": [{"Key": k, "Values": v} for k, v in path.tag_options.items()],
            "ProvisioningArtifactOutputs": outputs,
            "ProvisioningArtifactOutputKeys": outputs,
        }

    def assume(self, role_arn: str) -> dict[str, str]:
        """Return the launch role's credentials.

        Raises:
            ServiceError: InvalidParametersException when the role is missing or does not trust
                Service Catalog.
        """
        if not self.role_exists(role_arn):
            raise errors.launch_role_denied(role_arn)
        try:
            return self.aws.assume_as_service(
                role_arn, service_principal=SERVICE_PRINCIPAL, session_name="servicecatalog"
            )
        except ServiceError:
            raise errors.launch_role_denied(role_arn) from None

    def require_summary(self, call: Call, artifact: Artifact, credentials: dict[str, str]) -> None:
        """Check that a launch with `credentials` could read the template.

        Raises:
            ServiceError: InvalidParametersException with what CloudFormation says.
        """
        stacks = self.stacks(credentials, region=call.region)
        if refused := stacks.summarise(artifact.template_url):
            raise errors.invalid(refused)

    def stacks(self, credentials: dict[str, str], *, region: str) -> Stacks:
        """Return the stack operations with somebody's rights."""
        client = self.aws.client_as(
            credentials, "cloudformation", region=region, via=SERVICE_PRINCIPAL
        )
        return Stacks(client, self.aws.pause)

    def _accessible(self, call: Call, chosen: Any, what: str) -> Product:
        found = [p for p in self.region(call).products.values() if chosen(p)]
        if not found or not self.launch_paths(call, found[0]):
            raise errors.not_found(
                f"Product with {what} {call.params['Id']} does not exist or access was denied."
            )
        return found[0]

    def _summary(self, call: Call, product: Product) -> dict[str, Any]:
        only_one = len(self.launch_paths(call, product)) == 1
        return product_view_summary(product, has_default_path=only_one)


def _artifacts(product: Product) -> list[dict[str, Any]]:
    return [artifact_view(a) for a in product.artifacts.values() if a.active]


def _constraint_summaries(constraints: tuple[Constraint, ...]) -> list[dict[str, str]]:
    return [{"Type": c.type, "Description": c.description} for c in constraints]
