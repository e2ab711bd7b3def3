"""Desired minus observed is the plan. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from catalog.errors import CatalogError, ForeignResource, Location, VersionConflict
from catalog.publishing import ownership
from catalog.publishing.actions import Action, Change, Kind, Plan, portfolio_ref, product_ref
from catalog.publishing.desired import (
    DesiredPortfolio,
    DesiredProduct,
    DesiredRegion,
    DesiredShare,
    DesiredState,
)
from catalog.publishing.observed import (
    Observed,
    ObservedConstraint,
    ObservedPortfolio,
    ObservedProduct,
    ObservedRegion,
)
from catalog.publishing.versions import plan_versions


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What a plan may do beyond publishing.

    Attributes:
        unused_products: ids of products that no account has provisioned, as the fleet knows it.
            Only these are deleted when no portfolio offers them; others stay in the hub, where
            existing projects need them.
    """

    unused_products: frozenset[str] = frozenset()


def make_plan(
    *, desired: DesiredState, observed: Observed, options: PlanOptions | None = None
) -> Plan:
    """Return the actions that turn the observed state into the desired one.

    Raises:
        VersionConflict: a published version whose content has changed.
        ForeignResource: something that the catalog does not own is in the way.
    """
    planners = [
        _RegionPlanner(
            desired=desired,
            wanted=desired.regions[region],
            seen=seen,
            options=options or PlanOptions(),
        )
        for region, seen in observed.regions.items()
        if region in desired.regions
    ]
    for planner in planners:
        planner.run()
    _refuse([refusal for planner in planners for refusal in planner.refusals])
    return Plan(
        catalog=desired.catalog,
        account=desired.account,
        regions=tuple(planner.wanted.region for planner in planners),
        actions=tuple(action for planner in planners for action in planner.actions),
        known={planner.wanted.region: planner.known for planner in planners},
        notes=tuple(note for planner in planners for note in planner.notes),
        unreachable=dict(observed.failures),
        fingerprint=observed.fingerprint(),
    )


def _refuse(refusals: Sequence[CatalogError]) -> None:
    for kind in (VersionConflict, ForeignResource):
        found = [r for r in refusals if isinstance(r, kind)]
        if found:
            lines = [f"{r.where}: {r.message}" if r.where else r.message for r in found]
            raise kind("\n".join(lines), next_step=found[0].next_step)


@dataclass(kw_only=True)
class _RegionPlanner:
    desired: DesiredState
    wanted: DesiredRegion
    seen: ObservedRegion
    options: PlanOptions
    actions: list[Action] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refusals: list[CatalogError] = field(default_factory=list)

    @property
    def region(self) -> str:
        return self.wanted.region

    def run(self) -> None:
        bucket = self._bucket()
        objects = self._objects(bucket)
        products, surplus = self._canonical_products()
        product_actions: dict[str, tuple[str, ...]] = {}
        for product in self.wanted.products:
            product_actions[product.template] = self._product(
                product, products.get(product.template), objects, bucket
            )
        portfolios, extra = self._canonical_portfolios()
        own_products = {p.id for p in self.seen.products}
        for portfolio in self.wanted.portfolios:
            self._portfolio(
                portfolio, portfolios.get(portfolio.key), product_actions, products, own_products
            )
        withdrawn = [self._withdraw(portfolio, own_products) for portfolio in extra]
        self._surplus_products(surplus, [a for ids in withdrawn for a in ids])

    # -- bucket and objects ---------------------------------------------------------------------

    def _bucket(self) -> tuple[str, ...]:
        if not self.wanted.products:
            return ()
        settings, seen = self.wanted.settings, self.seen.bucket_settings
        name = f"assets bucket {self.wanted.bucket}"
        if seen is not None and seen["owner-tag"] not in ("none", self.desired.catalog):
            self.refusals.append(
                ForeignResource(
                    f"{name} belongs to the catalog {seen['owner-tag']!r}",
                    where=Location(account=self.desired.account, region=self.region),
                    next_step="Choose another assets.bucket_prefix in catalog.yml.",
                )
            )
            return ()
        needs: tuple[str, ...] = ()
        if seen is None:
            needs = (
                self._add(
                    Kind.BUCKET_CREATE,
                    self.wanted.bucket,
                    subject=name,
                    reason="it does not exist",
                    params={"bucket": self.wanted.bucket},
                ),
            )
        changes = _differences(seen or {}, settings)
        if changes:
            needs = (
                self._add(
                    Kind.BUCKET_CONFIGURE,
                    self.wanted.bucket,
                    subject=name,
                    reason="its settings differ" if seen else "encrypted, versioned, private",
                    changes=changes if seen else (),
                    params={
                        "bucket": self.wanted.bucket,
                        "settings": {c.attribute: settings[c.attribute] for c in changes},
                    },
                    needs=needs,
                ),
            )
        return needs

    def _objects(self, bucket: tuple[str, ...]) -> dict[str, str]:
        return {
            item.key: self._put(item.key, bucket, "it is not there")
            for item in self.wanted.objects
            if item.key not in self.seen.objects
        }

    def _put(self, key: str, bucket: tuple[str, ...], reason: str) -> str:
        templates = [p.artifact.template for p in self.wanted.products]
        item = next(o for o in (*self.wanted.objects, *templates) if o.key == key)
        return self._add(
            Kind.OBJECT_PUT,
            key,
            subject=f"object {key}",
            reason=reason,
            params={
                "bucket": self.wanted.bucket,
                "key": key,
                "sha256": item.sha256,
                "size": item.size,
                "content_type": item.content_type,
                "tags": dict(item.tags),
            },
            needs=bucket,
        )

    # -- products -------------------------------------------------------------------------------

    def _canonical_products(self) -> tuple[dict[str, ObservedProduct], list[ObservedProduct]]:
        """Return the product of each wanted template, oldest first, and all others we own."""
        wanted = {p.template for p in self.wanted.products}
        chosen: dict[str, ObservedProduct] = {}
        surplus = []
        for product in self.seen.products:
            template = product.tags.get(ownership.TEMPLATE_TAG, "")
            if template in wanted and template not in chosen:
                chosen[template] = product
                self.known[product_ref(template)] = product.id
            else:
                surplus.append(product)
        return chosen, surplus

    def _product(
        self,
        wanted: DesiredProduct,
        seen: ObservedProduct | None,
        objects: Mapping[str, str],
        bucket: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Plan a product and its versions; return what its users must wait for."""
        # Wheels and the archive come first: a version must not be offered before it can start.
        assets = tuple(
            action
            for key, action in objects.items()
            if key in wanted.assets or key.startswith("wheels/")
        )
        artifact = wanted.artifact
        versions = plan_versions(
            product=wanted, seen=seen, account=self.desired.account, region=self.region
        )
        self.refusals.extend(versions.refusals)
        self.notes.extend(versions.notes)
        created: tuple[str, ...] = ()
        if versions.create:
            upload: tuple[str, ...] = bucket
            if artifact.template.key not in self.seen.objects:
                upload = (self._put(artifact.template.key, bucket, f"template of {artifact.name}"),)
            created = (self._create_version(wanted, seen, (*assets, *upload)),)
        done = [*created, *(() if versions.create else assets)]
        if seen is not None:
            done += self._update_product(wanted, seen)
            for update in versions.updates:
                done.append(
                    self._add(
                        Kind.ARTIFACT_UPDATE,
                        f"{wanted.template} {update.artifact.id}",
                        subject=f'version {update.artifact.name} of "{wanted.name}"',
                        reason=update.reason,
                        changes=update.changes,
                        params={
                            "product": product_ref(wanted.template),
                            "artifact": update.artifact.id,
                            "set": {c.attribute: c.after for c in update.changes},
                        },
                        needs=created,
                        lane=self._lane("product", wanted.template),
                    )
                )
        return tuple(done)

    def _create_version(
        self, wanted: DesiredProduct, seen: ObservedProduct | None, needs: tuple[str, ...]
    ) -> str:
        artifact = wanted.artifact
        version = {
            "template": wanted.template,
            "version": artifact.name,
            "url": artifact.template_url,
            "description": ownership.artifact_description(
                changelog=artifact.changelog, record=artifact.record
            ),
        }
        if seen is not None:
            return self._add(
                Kind.ARTIFACT_CREATE,
                f"{wanted.template} {artifact.name}",
                subject=f'version {artifact.name} of "{wanted.name}"',
                reason="it is new",
                params={"product": product_ref(wanted.template), **version},
                needs=needs,
                lane=self._lane("product", wanted.template),
            )
        return self._add(
            Kind.PRODUCT_CREATE,
            wanted.template,
            subject=f'product "{wanted.name}" with version {artifact.name}',
            reason="it does not exist",
            params={
                "ref": product_ref(wanted.template),
                "attributes": _product_attributes(wanted),
                "tags": dict(wanted.tags),
                **version,
            },
            needs=needs,
            lane=self._lane("product", wanted.template),
        )

    def _update_product(self, wanted: DesiredProduct, seen: ObservedProduct) -> list[str]:
        before = {
            "Name": seen.name,
            "Owner": seen.owner,
            "Description": seen.description,
            "Distributor": seen.distributor,
            "SupportDescription": seen.support_description,
            "SupportEmail": seen.support_email,
            "SupportUrl": seen.support_url,
        }
        changes = _differences(before, _product_attributes(wanted))
        return self._update(
            Kind.PRODUCT_UPDATE,
            key=wanted.template,
            subject=f'product "{wanted.name}"',
            target={"product": product_ref(wanted.template)},
            attributes=changes,
            tags=(seen.tags, wanted.tags),
        )

    def _surplus_products(
        self, surplus: Sequence[ObservedProduct], withdrawn: Sequence[str]
    ) -> None:
        for product in surplus:
            template = product.tags.get(ownership.TEMPLATE_TAG, product.id)
            if product.id not in self.options.unused_products:
                self.notes.append(
                    f'{self.region}: product "{product.name}" ({product.id}, template {template}) '
                    "is offered by no portfolio; it is kept for the projects that came from it"
                )
                continue
            waits = [
                a.id
                for a in self.actions
                if a.kind is Kind.ASSOCIATION_DELETE and a.params["product"] == product.id
            ]
            self._add(
                Kind.PRODUCT_DELETE,
                product.id,
                subject=f'product "{product.name}"',
                reason="no portfolio offers it and no project uses it",
                params={"product": product.id},
                needs=(*withdrawn, *waits),
            )

    # -- portfolios -----------------------------------------------------------------------------

    def _canonical_portfolios(
        self,
    ) -> tuple[dict[str, ObservedPortfolio], list[ObservedPortfolio]]:
        wanted = {p.key for p in self.wanted.portfolios}
        chosen: dict[str, ObservedPortfolio] = {}
        extra = []
        for portfolio in self.seen.portfolios:
            key = portfolio.tags.get(ownership.PORTFOLIO_TAG, "")
            if key in wanted and key not in chosen:
                chosen[key] = portfolio
                self.known[portfolio_ref(key)] = portfolio.id
            else:
                extra.append(portfolio)
        return chosen, extra

    def _portfolio(
        self,
        wanted: DesiredPortfolio,
        seen: ObservedPortfolio | None,
        product_actions: Mapping[str, tuple[str, ...]],
        products: Mapping[str, ObservedProduct],
        own_products: Collection[str],
    ) -> None:
        ref = portfolio_ref(wanted.key)
        created: tuple[str, ...] = ()
        if seen is None:
            if wanted.name in self.seen.foreign_names:
                self.notes.append(
                    f'{self.region}: there is another portfolio "{wanted.name}" that this catalog '
                    "does not own; it is left alone"
                )
            created = (
                self._add(
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
            ready += self._update(
                Kind.PORTFOLIO_UPDATE,
                key=wanted.key,
                subject=f'portfolio "{wanted.name}"',
                target={"portfolio": ref},
                attributes=_differences(before, _portfolio_attributes(wanted)),
                tags=(seen.tags, wanted.tags),
            )
        for template in wanted.templates:
            product = products.get(template)
            ready += self._offer(
                wanted, seen, template, product, created, product_actions[template]
            )
        ready += self._principals(wanted, seen, created)
        if seen is not None:
            offered = {products[t].id for t in wanted.templates if t in products}
            for product_id in sorted(seen.product_ids - offered):
                if product_id in own_products:
                    self._withdraw_product(seen, product_id, ref, f'"{wanted.name}"')
                else:
                    self.notes.append(
                        f'{self.region}: portfolio "{wanted.name}" also offers {product_id}, '
                        "which this catalog does not own; it is left alone"
                    )
        self._shares(wanted, seen, tuple(ready))

    def _offer(
        self,
        portfolio: DesiredPortfolio,
        seen: ObservedPortfolio | None,
        template: str,
        product: ObservedProduct | None,
        created: tuple[str, ...],
        product_actions: tuple[str, ...],
    ) -> list[str]:
        """Associate a product and constrain how it launches."""
        targets = {"portfolio": portfolio_ref(portfolio.key), "product": product_ref(template)}
        title = next(p.name for p in self.wanted.products if p.template == template)
        label = f'"{title}" in "{portfolio.name}"'
        done: list[str] = []
        associated = bool(seen and product and product.id in seen.product_ids)
        if not associated:
            done.append(
                self._add(
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
        done += self._constraint(portfolio, template, found, label, targets, tuple(done))
        return [*done, *product_actions]

    def _constraint(
        self,
        portfolio: DesiredPortfolio,
        template: str,
        found: Sequence[ObservedConstraint],
        label: str,
        targets: Mapping[str, str],
        needs: tuple[str, ...],
    ) -> list[str]:
        role = portfolio.launch_role
        parameters = ownership.constraint_parameters(role=role)
        description = ownership.constraint_description(catalog=self.desired.catalog, role=role)
        if any(c.type == "STACKSET" for c in found):
            self.refusals.append(
                ForeignResource(
                    f"{label} has a STACKSET constraint, which excludes a launch role",
                    where=Location(account=self.desired.account, region=self.region),
                    next_step="Remove that constraint, or offer the template elsewhere.",
                )
            )
            return []
        launch = next((c for c in found if c.type == "LAUNCH"), None)
        values = {"parameters": parameters, "description": description}
        subject = f"launch constraint of {label}"
        if launch is None:
            return [
                self._add(
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
            changes.append(
                Change(attribute="parameters", before=launch.parameters, after=parameters)
            )
        if launch.description != description:
            changes.append(
                Change(attribute="description", before=launch.description, after=description)
            )
        if not changes:
            return []
        return [
            self._add(
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
        self,
        wanted: DesiredPortfolio,
        seen: ObservedPortfolio | None,
        created: tuple[str, ...],
    ) -> list[str]:
        patterns = {(arn, "IAM_PATTERN") for arn in wanted.principals}
        present = seen.principals if seen else frozenset()
        removed = [
            self._principal(Kind.PRINCIPAL_DISASSOCIATE, wanted.key, wanted.name, arn, kind, ())
            for arn, kind in sorted(present - patterns)
        ]
        # Ten patterns at most: those that go make room for those that come.
        room = tuple(removed) if len(present | patterns) > 10 else ()
        return [
            self._principal(
                Kind.PRINCIPAL_ASSOCIATE, wanted.key, wanted.name, arn, kind, (*created, *room)
            )
            for arn, kind in sorted(patterns - present)
        ]

    def _principal(
        self, kind: Kind, key: str, name: str, arn: str, principal_type: str, needs: tuple[str, ...]
    ) -> str:
        grants = kind is Kind.PRINCIPAL_ASSOCIATE
        return self._add(
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

    def _shares(
        self, wanted: DesiredPortfolio, seen: ObservedPortfolio | None, ready: tuple[str, ...]
    ) -> None:
        present = {(s.node_type, s.node): s for s in (seen.shares if seen else ())}
        made = []
        for share in wanted.shares:
            node = (share.node_type, share.node)
            label = f'"{wanted.name}" to {share.node}'
            params = {"portfolio": portfolio_ref(wanted.key), **_share_params(share)}
            current = present.pop(node, None)
            if current is None:
                made.append(
                    self._add(
                        Kind.SHARE_CREATE,
                        f"{wanted.key} {share.node}",
                        subject=label,
                        reason="it is not shared there",
                        params=params,
                        # Last: what is shared must be complete.
                        needs=ready,
                        lane=self._lane("share", ""),
                    )
                )
                continue
            flags = {
                "SharePrincipals": str(current.share_principals),
                "ShareTagOptions": str(current.share_tag_options),
            }
            changes = _differences(
                flags,
                {
                    "SharePrincipals": str(share.share_principals),
                    "ShareTagOptions": str(share.share_tag_options),
                },
            )
            if changes:
                self._add(
                    Kind.SHARE_UPDATE,
                    f"{wanted.key} {share.node}",
                    subject=label,
                    reason="its flags differ",
                    changes=changes,
                    params=params,
                    needs=ready,
                    lane=self._lane("share", ""),
                )
        for node_type, other in sorted(present):
            self._unshare(
                portfolio_ref(wanted.key), wanted.key, wanted.name, node_type, other, tuple(made)
            )

    # -- taking away ----------------------------------------------------------------------------

    def _unshare(
        self,
        portfolio: str,
        key: str,
        name: str,
        node_type: str,
        node: str,
        needs: tuple[str, ...],
    ) -> str:
        return self._add(
            Kind.SHARE_DELETE,
            f"{key} {node}",
            subject=f'"{name}" to {node}',
            reason="no target names it",
            params={"portfolio": portfolio, "node_type": node_type, "node": node},
            needs=needs,
            lane=self._lane("share", ""),
        )

    def _withdraw_product(
        self,
        portfolio: ObservedPortfolio,
        product_id: str,
        ref: str,
        label: str,
        needs: tuple[str, ...] = (),
    ) -> str:
        name = next((p.name for p in self.seen.products if p.id == product_id), product_id)
        removed = tuple(
            self._add(
                Kind.CONSTRAINT_DELETE,
                constraint.id,
                subject=f'launch constraint of "{name}" in {label}',
                reason="the portfolio no longer offers the product",
                params={"constraint": constraint.id},
                needs=needs,
            )
            for constraint in portfolio.constraints
            if constraint.product_id == product_id and constraint.type == "LAUNCH"
        )
        return self._add(
            Kind.ASSOCIATION_DELETE,
            f"{portfolio.id} {product_id}",
            subject=f'"{name}" in {label}',
            reason="the portfolio no longer offers it",
            params={"portfolio": ref, "product": product_id},
            needs=removed or needs,
        )

    def _withdraw(self, portfolio: ObservedPortfolio, own_products: Collection[str]) -> list[str]:
        """Plan the end of an owned portfolio that the manifest does not name for this region."""
        unshared = tuple(
            self._unshare(
                portfolio.id, portfolio.id, portfolio.name, share.node_type, share.node, ()
            )
            for share in portfolio.shares
        )
        label = f'"{portfolio.name}"'
        emptied = [
            self._withdraw_product(portfolio, product_id, portfolio.id, label, unshared)
            for product_id in sorted(portfolio.product_ids)
            if product_id in own_products
        ]
        emptied += [
            self._add(
                Kind.PRINCIPAL_DISASSOCIATE,
                f"{portfolio.id} {arn}",
                subject=f"{arn} on {label}",
                reason="the portfolio goes",
                params={"portfolio": portfolio.id, "principal": arn, "type": kind},
                needs=unshared,
            )
            for arn, kind in sorted(portfolio.principals)
        ]
        foreign = portfolio.product_ids - set(own_products)
        others = [
            c
            for c in portfolio.constraints
            if c.type != "LAUNCH" or c.product_id not in own_products
        ]
        if foreign or others:
            self.notes.append(
                f"{self.region}: portfolio {label} ({portfolio.id}) stays: it holds products or "
                "constraints that this catalog does not own"
            )
        else:
            emptied.append(
                self._add(
                    Kind.PORTFOLIO_DELETE,
                    portfolio.id,
                    subject=f"portfolio {label}",
                    reason="the manifest does not name it for this region",
                    params={"portfolio": portfolio.id},
                    needs=(*unshared, *emptied),
                )
            )
        return emptied

    # -- helpers --------------------------------------------------------------------------------

    def _update(
        self,
        kind: Kind,
        *,
        key: str,
        subject: str,
        target: Mapping[str, str],
        attributes: tuple[Change, ...],
        tags: tuple[Mapping[str, str], Mapping[str, str]],
    ) -> list[str]:
        before, after = tags
        add, remove = ownership.tag_changes(observed=before, desired=after)
        changes = (
            *attributes,
            *(
                Change(attribute=f"tag {k}", before=before.get(k), after=add[k])
                for k in sorted(add)
            ),
            *(Change(attribute=f"tag {k}", before=before[k], after=None) for k in remove),
        )
        if not changes:
            return []
        return [
            self._add(
                kind,
                key,
                subject=subject,
                reason="it differs",
                changes=changes,
                params={
                    **target,
                    "attributes": {c.attribute: c.after for c in attributes},
                    "add_tags": add,
                    "remove_tags": list(remove),
                },
            )
        ]

    def _lane(self, kind: str, name: str) -> str:
        return f"{kind} {self.desired.account} {self.region} {name}".strip()

    def _add(
        self,
        kind: Kind,
        key: str,
        *,
        subject: str,
        reason: str,
        changes: tuple[Change, ...] = (),
        params: Mapping[str, object],
        needs: tuple[str, ...] = (),
        lane: str | None = None,
    ) -> str:
        action = Action(
            id=f"{self.region} {kind.value} {key}",
            kind=kind,
            account=self.desired.account,
            region=self.region,
            subject=subject,
            reason=reason,
            changes=changes,
            params=params,
            needs=tuple(dict.fromkeys(needs)),
            lane=lane,
        )
        self.actions.append(action)
        return action.id


def _product_attributes(product: DesiredProduct) -> dict[str, str]:
    return {
        "Name": product.name,
        "Owner": product.owner,
        "Description": product.description,
        "Distributor": product.distributor,
        "SupportDescription": product.support_description,
        "SupportEmail": product.support_email,
        "SupportUrl": product.support_url,
    }


def _portfolio_attributes(portfolio: DesiredPortfolio) -> dict[str, str]:
    return {
        "DisplayName": portfolio.name,
        "ProviderName": portfolio.provider,
        "Description": portfolio.description,
    }


def _share_params(share: DesiredShare) -> dict[str, object]:
    return {
        "node_type": share.node_type,
        "node": share.node,
        "share_principals": share.share_principals,
        "share_tag_options": share.share_tag_options,
    }


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    return tuple(
        Change(attribute=name, before=before.get(name), after=value)
        for name, value in after.items()
        if before.get(name) != value
    )
