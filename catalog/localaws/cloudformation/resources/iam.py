"""AWS::IAM::Role, AWS::IAM::Policy and AWS::IAM::ManagedPolicy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from catalog.localaws.cloudformation.resources.api import policy_text
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    Properties,
    ResourceHandler,
    changed,
    tag_changes,
)


class Role(ResourceHandler):
    """A role with its inline policies and attached managed policies."""

    type = "AWS::IAM::Role"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the role, then its policies."""
        iam = ctx.client("iam")
        name = properties.get("RoleName") or ctx.name(64)
        request: dict[str, Any] = {
            "RoleName": name,
            "AssumeRolePolicyDocument": policy_text(properties["AssumeRolePolicyDocument"]),
        }
        for key in ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"):
            if properties.get(key):
                request[key] = properties[key]
        role = iam.create_role(**request)["Role"]
        ctx.report(name)
        self._policies(iam, name, {}, properties)
        return Created(physical_id=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change everything but the name and the path."""
        iam, name = ctx.client("iam"), ctx.physical_id
        if changed(old, new, "AssumeRolePolicyDocument"):
            iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=policy_text(new["AssumeRolePolicyDocument"])
            )
        if changed(old, new, "Description", "MaxSessionDuration"):
            iam.update_role(
                RoleName=name,
                Description=new.get("Description", ""),
                MaxSessionDuration=new.get("MaxSessionDuration", 3600),
            )
        if changed(old, new, "PermissionsBoundary"):
            if new.get("PermissionsBoundary"):
                iam.put_role_permissions_boundary(
                    RoleName=name, PermissionsBoundary=new["PermissionsBoundary"]
                )
            else:
                iam.delete_role_permissions_boundary(RoleName=name)
        upsert, removed = tag_changes(old, new)
        if upsert:
            iam.tag_role(RoleName=name, Tags=upsert)
        if removed:
            iam.untag_role(RoleName=name, TagKeys=removed)
        self._policies(iam, name, old, new)
        return Created(physical_id=name, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Detach and remove the policies of the template, then the role."""
        iam, name = ctx.client("iam"), ctx.physical_id
        self._policies(iam, name, properties, {})
        iam.delete_role(RoleName=name)

    def _policies(self, iam: Any, name: str, old: Properties, new: Properties) -> None:
        before = {p["PolicyName"]: p["PolicyDocument"] for p in old.get("Policies", [])}
        after = {p["PolicyName"]: p["PolicyDocument"] for p in new.get("Policies", [])}
        for policy, document in after.items():
            if before.get(policy) != document:
                iam.put_role_policy(
                    RoleName=name, PolicyName=policy, PolicyDocument=policy_text(document)
                )
        for policy in before.keys() - after.keys():
            _ignore_missing(
                iam, lambda p=policy: iam.delete_role_policy(RoleName=name, PolicyName=p)
            )
        attached, wanted = set(old.get("ManagedPolicyArns", [])), new.get("ManagedPolicyArns", [])
        for arn in wanted:
            if arn not in attached:
                iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for arn in sorted(attached - set(wanted)):
            _ignore_missing(iam, lambda a=arn: iam.detach_role_policy(RoleName=name, PolicyArn=a))


def _ignore_missing(iam: Any, call: Any) -> None:
    try:
        call()
    except iam.exceptions.NoSuchEntityException:
        # Removed by hand, or a create that failed half way never made it.
        return


class Policy(ResourceHandler):
    """An inline policy put on roles, users and groups."""

    type = "AWS::IAM::Policy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Put the policy on every principal."""
        if not any(_principals(properties)):
            raise HandlerError("At least one of [Groups,Roles,Users] must be non-empty.")
        name = ctx.name(128)
        ctx.report(name)
        _put_inline(ctx.client("iam"), properties, _principals(properties))
        return Created(physical_id=name, attributes={"Id": name})

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Put the new policy; take the old one from principals that left."""
        iam = ctx.client("iam")
        _put_inline(iam, new, _principals(new))
        gone = set(_principals(old))
        if old["PolicyName"] == new["PolicyName"]:
            gone -= set(_principals(new))
        _delete_inline(iam, old["PolicyName"], gone)
        return Created(physical_id=ctx.physical_id, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Take the policy from every principal."""
        _delete_inline(ctx.client("iam"), properties["PolicyName"], _principals(properties))


def _principals(properties: Properties) -> Iterator[tuple[str, str]]:
    for kind in ("Role", "User", "Group"):
        for name in properties.get(f"{kind}s") or ():
            yield kind, name


def _put_inline(iam: Any, properties: Properties, principals: Iterable[tuple[str, str]]) -> None:
    document = policy_text(properties["PolicyDocument"])
    for kind, name in principals:
        put = getattr(iam, f"put_{kind.lower()}_policy")
        put(
            **{f"{kind}Name": name},
            PolicyName=properties["PolicyName"],
            PolicyDocument=document,
        )


def _delete_inline(iam: Any, policy: str, principals: Iterable[tuple[str, str]]) -> None:
    for kind, name in principals:
        delete = getattr(iam, f"delete_{kind.lower()}_policy")
        _ignore_missing(
            iam, lambda d=delete, k=kind, n=name: d(**{f"{k}Name": n}, PolicyName=policy)
        )


class ManagedPolicy(ResourceHandler):
    """A customer managed policy, attached to principals."""

    type = "AWS::IAM::ManagedPolicy"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the policy and attach it."""
        iam = ctx.client("iam")
        request: dict[str, Any] = {
            "PolicyName": properties.get("ManagedPolicyName") or ctx.name(128),
            "PolicyDocument": policy_text(properties["PolicyDocument"]),
        }
        for key in ("Path", "Description"):
            if properties.get(key):
                request[key] = properties[key]
        policy = iam.create_policy(**request)["Policy"]
        ctx.report(policy["Arn"])
        _attach(iam, policy["Arn"], _principals(properties))
        return Created(
            physical_id=policy["Arn"],
            attributes={"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]},
        )

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Add a default version; change the attachments."""
        iam, arn = ctx.client("iam"), ctx.physical_id
        if changed(old, new, "PolicyDocument"):
            versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
            spare = [v["VersionId"] for v in versions if not v["IsDefaultVersion"]]
            if len(versions) >= 5:  # IAM keeps five versions of a policy
                iam.delete_policy_version(PolicyArn=arn, VersionId=spare[-1])
            iam.create_policy_version(
                PolicyArn=arn, PolicyDocument=policy_text(new["PolicyDocument"]), SetAsDefault=True
            )
        before, after = set(_principals(old)), set(_principals(new))
        _attach(iam, arn, sorted(after - before))
        _detach(iam, arn, sorted(before - after))
        return Created(physical_id=arn, attributes=ctx.attributes)

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Detach the policy from the template's principals and remove all its versions."""
        iam, arn = ctx.client("iam"), ctx.physical_id
        _detach(iam, arn, _principals(properties))
        for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=arn)


def _attach(iam: Any, arn: str, principals: Iterable[tuple[str, str]]) -> None:
    for kind, name in principals:
        getattr(iam, f"attach_{kind.lower()}_policy")(**{f"{kind}Name": name}, PolicyArn=arn)


def _detach(iam: Any, arn: str, principals: Iterable[tuple[str, str]]) -> None:
    for kind, name in principals:
        detach = getattr(iam, f"detach_{kind.lower()}_policy")
        _ignore_missing(iam, lambda d=detach, k=kind, n=name: d(**{f"{k}Name": n}, PolicyArn=arn))


HANDLERS = (Role(), Policy(), ManagedPolicy())
