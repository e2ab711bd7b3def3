"""Portfolios: what they offer, how it launches, and to whom."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from catalog.errors import ForeignResource
from catalog.publishing import ownership
from catalog.publishing.actions import Change, Kind, portfolio_ref, product_ref
from catalog.publishing.desired import DesiredPortfolio
from catalog.publishing.observed import ObservedConstraint, ObservedPortfolio, ObservedProduct
from catalog.publishing.planning.draft import Draft, differences
from catalog.publishing.planning.removal import withdraw_product
from catalog.publishing.planning.shares import plan_shares


def choose_portfolios(
    draft: Draft,
) -> tuple[dict[str, ObservedPortfolio], list[ObservedPortfolio]]:
    """Return the portfolio of each wanted key, oldest first, and all others we own."""
    wanted = {p.key for p in draft.wanted.portfolios}
    chosen: dict[str, ObservedPortfolio] = {}
    extra = []
    for portfolio in draft.seen.portfolios:
        key = portfolio.tags.get(ownership.PORTFOLIO_TAG, "")
        if key in wanted and key not in chosen:
            chosen[key] = portfolio
            draft.known[portfolio_ref(key)] = portfolio.id
        else:
            extra.append(portfolio)
    return chosen, extra


def plan_portfolio(
    draft: Draft,
    wanted: DesiredPortfolio,
    seen: ObservedPortfolio | None,
    product_actions: Mapping[str, tuple[str, ...]],
    products: Mapping[str, ObservedProduct],
    own_products: Collection[str],
) -> None:
    """Plan a portfolio and everything that hangs on it."""
    ref = portfolio_ref(wanted.key)
    created: tuple[str, ...] = ()
    if seen is None:
        if wanted.name in draft.seen.foreign_names:
            draft.notes.append(
                f'{draft.region}: there is another portfolio "{wanted.name}" that this catalog '
                "does not own; it is left alone"
            )
        created = (
            draft.add(
                Kind.PORTFOLIO_CREATE,
                wanted.key,
                subject=f'portfolio "{wanted.name}"',
                reason="it does not exist",
                params={
                    "ref": ref,
                    "key": wanted.key,
                    "attributes": _portfolio_attributes(wanted),
                    "tags": dict(wanted.tags),
                },
            ),
        )
    ready = list(created)
    if seen is not None:
        before = {
            "DisplayName": seen.name,
            "ProviderName": seen.provider,
            "Description": seen.description,
        }
        ready += draft.update(
            Kind.PORTFOLIO_UPDATE,
            key=wanted.key,
            subject=f'portfolio "{wanted.name}"',
            target={"portfolio": ref},
            attributes=differences(before, _portfolio_attributes(wanted)),
            tags=(seen.tags, wanted.tags),
        )
    for template in wanted.templates:
        product = products.get(template)
        ready += _offer(draft, wanted, seen, template, product, created, product_actions[template])
    ready += _principals(draft, wanted, seen, created)
    if seen is not None:
        offered = {products[t].id for t in wanted.templates if t in products}
        for product_id in sorted(seen.product_ids - offered):
            if product_id in own_products:
                withdraw_product(draft, seen, product_id, ref, f'"{wanted.name}"')
            else:
                draft.notes.append(
                    f'{draft.region}: portfolio "{wanted.name}" also offers {product_id}, '
                    "which this catalog does not own; it is left alone"
                )
    plan_shares(draft, wanted, seen, tuple(ready))


def _offer(
    draft: Draft,
    portfolio: DesiredPortfolio,
    seen: ObservedPortfolio | None,
    template: str,
    product: ObservedProduct | None,
    created: tuple[str, ...],
    product_actions: tuple[str, ...],
) -> list[str]:
    """Associate a product and constrain how it launches."""
    targets = {"portfolio": portfolio_ref(portfolio.key), "product": product_ref(template)}
    title = next(p.name for p in draft.wanted.products if p.template == template)
    label = f'"{title}" in "{portfolio.name}"'
    done: list[str] = []
    associated = bool(seen and product and product.id in seen.product_ids)
    if not associated:
        done.append(
            draft.add(
                Kind.ASSOCIATION_CREATE,
                f"{portfolio.key} {template}",
                subject=label,
                reason="the portfolio does not offer it",
                params=targets,
                needs=(*created, *product_actions),
            )
        )
    found = [
        c
        for c in (seen.constraints if seen and product else ())
        if product and c.product_id == product.id
    ]
    done += _constraint(draft, portfolio, template, found, label, targets, tuple(done))
    return [*done, *product_actions]


def _constraint(
    draft: Draft,
    portfolio: DesiredPortfolio,
    template: str,
    found: Sequence[ObservedConstraint],
    label: str,
    targets: Mapping[str, str],
    needs: tuple[str, ...],
) -> list[str]:
    role = portfolio.launch_role
    parameters = ownership.constraint_parameters(role=role)
    description = ownership.constraint_description(catalog=draft.desired.catalog, role=role)
    if any(c.type == "STACKSET" for c in found):
        draft.refusals.append(
            ForeignResource(
                f"{label} has a STACKSET constraint, which excludes a launch role",
                where=draft.where,
                next_step="Remove that constraint, or offer the template elsewhere.",
            )
        )
        return []
    launch = next((c for c in found if c.type == "LAUNCH"), None)
    values = {"parameters": parameters, "description": description}
    subject = f"launch constraint of {label}"
    if launch is None:
        return [
            draft.add(
                Kind.CONSTRAINT_CREATE,
                f"{portfolio.key} {template}",
                subject=subject,
                reason=f"launches run as the local role {role}",
                params={**targets, **values},
                needs=needs,
            )
        ]
    changes = []
    if launch.parameters is not None and not ownership.same_parameters(
        launch.parameters, parameters
    ):
        changes.append(Change(attribute="parameters", before=launch.parameters, after=parameters))
    if launch.description != description:
        changes.append(
            Change(attribute="description", before=launch.description, after=description)
        )
    if not changes:
        return []
    return [
        draft.add(
            Kind.CONSTRAINT_UPDATE,
            f"{portfolio.key} {template}",
            subject=subject,
            reason="it differs",
            changes=tuple(changes),
            params={"constraint": launch.id, **values},
            needs=needs,
        )
    ]


def _principals(
    draft: Draft,
    wanted: DesiredPortfolio,
    seen: ObservedPortfolio | None,
    created: tuple[str, ...],
) -> list[str]:
    patterns = {(arn, "IAM_PATTERN") for arn in wanted.principals}
    present = seen.principals if seen else frozenset()
    removed = [
        _principal(draft, Kind.PRINCIPAL_DISASSOCIATE, wanted.key, wanted.name, arn, kind, ())
        for arn, kind in sorted(present - patterns)
    ]
    # Ten patterns at most: those that go make room for those that come.
    room = tuple(removed) if len(present | patterns) > 10 else ()
    return [
        _principal(
            draft, Kind.PRINCIPAL_ASSOCIATE, wanted.key, wanted.name, arn, kind, (*created, *room)
        )
        for arn, kind in sorted(patterns - present)
    ]


def _principal(
    draft: Draft,
    kind: Kind,
    key: str,
    name: str,
    arn: str,
    principal_type: str,
    needs: tuple[str, ...],
) -> str:
    grants = kind is Kind.PRINCIPAL_ASSOCIATE
    return draft.add(
        kind,
        f"{key} {arn}",
        subject=f'{arn} on "{name}"',
        reason="it may launch" if grants else "the manifest does not name it",
        params={
            "portfolio": portfolio_ref(key),
            "principal": arn,
            "type": principal_type,
        },
        needs=needs,
    )


def _portfolio_attributes(portfolio: DesiredPortfolio) -> dict[str, str]:
    return {
        "DisplayName": portfolio.name,
        "ProviderName": portfolio.provider,
        "Description": portfolio.description,
    }
