"""Carries out the actions on portfolios, products, versions, constraints; withdraws principals.

Each can be repeated: after a lost response, a kill, or beside another publisher it ends in the
same state.
"""

from __future__ import annotations

from typing import Any

from catalog.aws import error_code
from catalog.errors import AwsCallFailed, CatalogError, Location
from catalog.publishing.actions import Action
from catalog.publishing.context import Context, found, gone_is_done, is_missing
from catalog.publishing.ownership import same_parameters


def create_portfolio(context: Context, action: Action) -> None:
    """Create a portfolio with its tags, and learn its id."""
    params = action.params
    account, region = action.account, action.region
    content = {**params["attributes"], "Tags": _tag_list(params["tags"])}
    made = context.create(
        account=account,
        region=region,
        kind="portfolio",
        subject=params["key"],
        content=content,
        request=lambda token: context.call(
            account, region, "create_portfolio", **content, IdempotencyToken=token
        )["PortfolioDetail"]["Id"],
        exists=lambda made: found(
            lambda: context.call(account, region, "describe_portfolio", Id=made)
        ),
    )
    context.learn(region, params["ref"], made)


def update_portfolio(context: Context, action: Action) -> None:
    """Set a portfolio's drifted attributes and tags."""
    _update(context, action, "update_portfolio", action.params["portfolio"])


def delete_portfolio(context: Context, action: Action) -> None:
    """Delete an empty portfolio; what was just taken out of it may still be seen in it."""
    _when_free(context, action, "delete_portfolio", Id=action.params["portfolio"])


def create_product(context: Context, action: Action) -> None:
    """Create a product with its first version, and learn its id."""
    params = action.params
    account, region = action.account, action.region
    content = {
        **{name: value for name, value in params["attributes"].items() if value},
        "ProductType": "CLOUD_FORMATION_TEMPLATE",
        "Tags": _tag_list(params["tags"]),
        "ProvisioningArtifactParameters": _artifact(params),
    }

    def request(token: str) -> tuple[str, str]:
        answer = context.call(account, region, "create_product", **content, IdempotencyToken=token)
        view = answer["ProductViewDetail"]["ProductViewSummary"]
        return view["ProductId"], answer["ProvisioningArtifactDetail"]["Id"]

    product, _ = context.create(
        account=account,
        region=region,
        kind="product",
        subject=params["template"],
        content=content,
        request=request,
        exists=lambda made: _artifact_exists(context, action, *made),
    )
    context.learn(region, params["ref"], product)


def update_product(context: Context, action: Action) -> None:
    """Set a product's drifted attributes and tags."""
    _update(context, action, "update_product", action.params["product"])


def delete_product(context: Context, action: Action) -> None:
    """Delete a product that no portfolio offers."""
    _when_free(context, action, "delete_product", Id=action.params["product"])


def create_artifact(context: Context, action: Action) -> None:
    """Create a version. Of two made at once AWS keeps one: hence the read-back, and the lane."""
    params = action.params
    account, region = action.account, action.region
    product = context.resolve(region, params["product"])
    content = {"ProductId": product, "Parameters": _artifact(params)}
    context.create(
        account=account,
        region=region,
        kind="artifact",
        subject=f"{params['template']} {params['version']}",
        content=content,
        request=lambda token: context.call(
            account, region, "create_provisioning_artifact", **content, IdempotencyToken=token
        )["ProvisioningArtifactDetail"]["Id"],
        exists=lambda made: _artifact_exists(context, action, product, made),
    )


def update_artifact(context: Context, action: Action) -> None:
    """Set a version's description, guidance or activity."""
    values: dict[str, Any] = {}
    for name, value in action.params["set"].items():
        if name == "active":
            values["Active"] = value == "true"
        else:
            values[name.capitalize()] = value
    context.call(
        action.account,
        action.region,
        "update_provisioning_artifact",
        ProductId=context.resolve(action.region, action.params["product"]),
        ProvisioningArtifactId=action.params["artifact"],
        **values,
    )


def associate_product(context: Context, action: Action) -> None:
    """Offer a product in a portfolio."""
    portfolio, product = _pair(context, action)
    context.call(
        action.account,
        action.region,
        "associate_product_with_portfolio",
        PortfolioId=portfolio,
        ProductId=product,
    )


def disassociate_product(context: Context, action: Action) -> None:
    """Withdraw a product from a portfolio; its constraint may take a moment to be gone."""
    portfolio, product = _pair(context, action)
    _when_free(
        context,
        action,
        "disassociate_product_from_portfolio",
        PortfolioId=portfolio,
        ProductId=product,
    )


def create_constraint(context: Context, action: Action) -> None:
    """Create a launch constraint once the association and the role are visible to AWS."""
    account, region = action.account, action.region
    portfolio, product = _pair(context, action)
    content = {
        "PortfolioId": portfolio,
        "ProductId": product,
        "Parameters": action.params["parameters"],
        "Description": action.params["description"],
        "Type": "LAUNCH",
    }

    def request(token: str) -> str:
        last: CatalogError | None = None
        for _ in context.attempts(context.patience.settle):
            try:
                answer = context.call(
                    account, region, "create_constraint", **content, IdempotencyToken=token
                )
                return str(answer["ConstraintDetail"]["ConstraintId"])
            except CatalogError as error:
                if error_code(error) == "DuplicateResourceException":
                    return _take_over_constraint(context, action, portfolio, product)
                # The association lags behind (ResourceNotFound), or the role does
                # (InvalidParameters "... does not exist").
                lagging = is_missing(error) or (
                    error_code(error) == "InvalidParametersException"
                    and "not exist" in error.message
                )
                if not lagging:
                    raise
                last = error
        raise last or AwsCallFailed("no attempt was made")

    context.create(
        account=account,
        region=region,
        kind="constraint",
        subject=f"{portfolio} {product}",
        content=content,
        request=request,
        exists=lambda made: found(
            lambda: context.call(account, region, "describe_constraint", Id=made)
        ),
    )


def update_constraint(context: Context, action: Action) -> None:
    """Set a launch constraint's parameters and description."""
    context.call(
        action.account,
        action.region,
        "update_constraint",
        Id=action.params["constraint"],
        Parameters=action.params["parameters"],
        Description=action.params["description"],
    )


def delete_constraint(context: Context, action: Action) -> None:
    """Delete a launch constraint."""
    gone_is_done(
        lambda: context.call(
            action.account, action.region, "delete_constraint", Id=action.params["constraint"]
        )
    )


def disassociate_principal(context: Context, action: Action) -> None:
    """Stop a principal from launching from a portfolio."""
    gone_is_done(
        lambda: context.call(
            action.account,
            action.region,
            "disassociate_principal_from_portfolio",
            PortfolioId=context.resolve(action.region, action.params["portfolio"]),
            PrincipalARN=action.params["principal"],
            PrincipalType=action.params["type"],
        )
    )


def _update(context: Context, action: Action, operation: str, reference: str) -> None:
    params: dict[str, Any] = dict(action.params["attributes"])
    if action.params["add_tags"]:
        params["AddTags"] = _tag_list(action.params["add_tags"])
    if action.params["remove_tags"]:
        params["RemoveTags"] = list(action.params["remove_tags"])
    context.call(
        action.account,
        action.region,
        operation,
        Id=context.resolve(action.region, reference),
        **params,
    )


def _when_free(context: Context, action: Action, operation: str, **params: Any) -> None:
    """Take away something that AWS may still believe to be in use for a moment."""
    last: CatalogError | None = None
    for _ in context.attempts(context.patience.settle):
        try:
            context.call(action.account, action.region, operation, **params)
        except CatalogError as error:
            if is_missing(error):
                return
            if error_code(error) != "ResourceInUseException":
                raise
            last = error
        else:
            return
    raise last or AwsCallFailed("no attempt was made")


def _take_over_constraint(context: Context, action: Action, portfolio: str, product: str) -> str:
    """Return the launch constraint that another publisher made first, with our values."""
    items = context.aws.pages(
        account=action.account,
        region=action.region,
        service="servicecatalog",
        operation="list_constraints_for_portfolio",
        result="ConstraintDetails",
        PortfolioId=portfolio,
        ProductId=product,
    )
    existing = next((i["ConstraintId"] for i in items if i["Type"] == "LAUNCH"), None)
    if existing is None:
        raise AwsCallFailed(
            "AWS reports a launch constraint that it does not list",
            where=Location(account=action.account, region=action.region),
            next_step="Run it again; what is done stays done.",
        )
    answer = context.call(action.account, action.region, "describe_constraint", Id=existing)
    if not same_parameters(answer.get("ConstraintParameters", ""), action.params["parameters"]):
        context.call(
            action.account,
            action.region,
            "update_constraint",
            Id=existing,
            Parameters=action.params["parameters"],
            Description=action.params["description"],
        )
    return str(existing)


def _artifact_exists(context: Context, action: Action, product: str, artifact: str) -> bool:
    """Return whether a version can be read back, once AWS has finished making it.

    Raises:
        AwsCallFailed: AWS rejected its template after accepting the request.
    """
    for _ in context.attempts(context.patience.finish):
        try:
            answer = context.call(
                action.account,
                action.region,
                "describe_provisioning_artifact",
                ProductId=product,
                ProvisioningArtifactId=artifact,
            )
        except CatalogError as error:
            if is_missing(error):
                return False
            raise
        status = answer.get("Status", "AVAILABLE")
        if status == "FAILED":
            raise AwsCallFailed(
                f"{action.subject}: AWS could not make this version ({artifact}) of its template",
                where=Location(account=action.account, region=action.region),
                next_step="Look at the version in the Service Catalog console, delete it, then "
                "run it again.",
            )
        # "CREATED" is what AWS answers in places where its model says AVAILABLE.
        if status != "CREATING":
            return True
    raise AwsCallFailed(
        f"{action.subject}: still being created ({artifact})",
        where=Location(account=action.account, region=action.region),
        next_step="Run it again later; it will be picked up where it is.",
    )


def _artifact(params: Any) -> dict[str, Any]:
    return {
        "Name": params["version"],
        "Description": params["description"],
        "Info": {"LoadTemplateFromURL": params["url"]},
        "Type": "CLOUD_FORMATION_TEMPLATE",
    }


def _pair(context: Context, action: Action) -> tuple[str, str]:
    return (
        context.resolve(action.region, action.params["portfolio"]),
        context.resolve(action.region, action.params["product"]),
    )


def _tag_list(tags: Any) -> list[dict[str, str]]:
    return [{"Key": key, "Value": tags[key]} for key in sorted(tags)]
