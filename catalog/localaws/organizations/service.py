"""AWS Organizations: accounts in OUs, trusted access, delegated administrators.

Service control policies are not emulated. Page sizes and errors follow botocore's model and the
API reference (https://docs.aws.amazon.com/organizations/latest/APIReference/).
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from catalog.localaws.core.service import Call, Service, ServiceError, paginate
from catalog.localaws.organizations.model import (
    Account,
    OrganizationState,
    OrganizationView,
    Unit,
    now,
)

if TYPE_CHECKING:
    from catalog.localaws.core.local import LocalAws

PAGE = 20
ACCESS_ROLE = "OrganizationAccountAccessRole"

Answer = TypeVar("Answer")
Handler = Callable[["Organizations", Call, OrganizationState], Answer]
Operation = Callable[["Organizations", Call], Answer]


def _management_only(handler: Handler[Answer]) -> Operation[Answer]:
    """Admit the management account; the handler runs under the organisations' lock."""

    @functools.wraps(handler)
    def guarded(self: Organizations, call: Call) -> Answer:
        with self.view.lock:
            organization = self.organization_of(call)
            if organization.management != call.account:
                raise _denied()
            return handler(self, call, organization)

    return guarded


def _administrators_only(handler: Handler[Answer]) -> Operation[Answer]:
    """Admit the management account and delegated administrators of any service."""

    @functools.wraps(handler)
    def guarded(self: Organizations, call: Call) -> Answer:
        with self.view.lock:
            organization = self.organization_of(call)
            is_delegated = bool(organization.accounts[call.account].services)
            if organization.management != call.account and not is_delegated:
                raise _denied()
            return handler(self, call, organization)

    return guarded


class Organizations(Service):
    """One organisation per management account; every account is in at most one."""

    name: ClassVar[str] = "organizations"
    validation_code: ClassVar[str] = "InvalidInputException"
    falls_back_to_moto: ClassVar[bool] = False

    def __init__(self, aws: LocalAws) -> None:
        super().__init__(aws)
        self.view = OrganizationView()

    def organization_of(self, call: Call) -> OrganizationState:
        """Return the caller's organisation.

        Raises:
            ServiceError: `AWSOrganizationsNotInUseException`.
        """
        organization = self.view.of(call.account)
        if organization is None:
            raise ServiceError(
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            )
        return organization

    # The organisation

    def create_organization(self, call: Call) -> dict[str, Any]:
        """Make the caller's account a management account."""
        with self.view.lock:
            if self.view.of(call.account):
                raise ServiceError(
                    "AlreadyInOrganizationException",
                    "The provided account is already a member of an organization.",
                )
            organization = OrganizationState(
                management=call.account, feature_set=call.params.get("FeatureSet", "ALL")
            )
            root = organization.root_id
            organization.units[root] = Unit(id=root, name="Root", parent="")
            organization.accounts[call.account] = Account(
                id=call.account,
                name="management",
                email=f"management+{call.account}@example.com",
                parent=root,
                joined_method="INVITED",
                creation_id="",
                usable_at=0.0,
            )
            self.view.organizations.append(organization)
            return {"Organization": _describe_organization(organization)}

    def describe_organization(self, call: Call) -> dict[str, Any]:
        """Describe the organisation, to any of its members."""
        return {"Organization": _describe_organization(self.organization_of(call))}

    @_management_only
    def delete_organization(self, _: Call, organization: OrganizationState) -> None:
        """Delete an organisation that has no other account and no OU."""
        if len(organization.accounts) > 1 or len(organization.units) > 1:
            raise ServiceError(
                "OrganizationNotEmptyException",
                "To delete an organization you must first remove all member accounts and OUs.",
            )
        self.view.organizations.remove(organization)

    @_administrators_only
    def list_roots(self, _: Call, organization: OrganizationState) -> dict[str, Any]:
        """List the one root."""
        root = organization.root_id
        arn = organization.arn("root", root)
        return {"Roots": [{"Id": root, "Arn": arn, "Name": "Root", "PolicyTypes": []}]}

    # Accounts

    def create_account(self, call: Call) -> dict[str, Any]:
        """Create an account in the root, with a role that the management account can assume."""
        answer = self._new_account(call)
        # Outside the lock: this calls another service.
        self._create_access_role(
            answer.pop("AccountId"),
            role_name=call.params.get("RoleName", ACCESS_ROLE),
            management=call.account,
        )
        return answer

    @_management_only
    def _new_account(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        email = call.params["Email"]
        if any(account.email == email for account in organization.accounts.values()):
            raise ServiceError(
                "ConstraintViolationException",
                "The email address is already associated with an account.",
                Reason="EMAIL_VERIFICATION_CODE_EXPIRED",
            )
        account = Account(
            id=organization.new_account_id(),
            name=call.params["AccountName"],
            email=email,
            parent=organization.root_id,
            joined_method="CREATED",
            creation_id=organization.new_creation_id(),
            usable_at=time.monotonic() + self.aws.faults.transition_seconds,
            tags=_tags(call.params.get("Tags", [])),
        )
        organization.accounts[account.id] = account
        return {
            "AccountId": account.id,
            "CreateAccountStatus": _creation_status(account, known=False),
        }

    def _create_access_role(self, account: str, *, role_name: str, management: str) -> None:
        iam = self.aws.client_as(
            self.aws.credentials(account=account), "iam", region="us-east-1", via=_PRINCIPAL
        )
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{management}:root"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        iam.create_role(RoleName=role_name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(
            RoleName=role_name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
        )

    @_administrators_only
    def describe_create_account_status(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """Tell how far an account's creation is."""
        wanted = call.params["CreateAccountRequestId"]
        for account in organization.accounts.values():
            if account.creation_id == wanted:
                return {"CreateAccountStatus": _creation_status(account, known=account.is_ready)}
        raise ServiceError(
            "CreateAccountStatusNotFoundException",
            "We can't find an create account request with the CreateAccountRequestId that you "
            "specified.",
        )

    @_administrators_only
    def list_create_account_status(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List account creations, by state if asked."""
        statuses = [
            _creation_status(account, known=account.is_ready)
            for account in organization.accounts.values()
            if account.creation_id
        ]
        states = call.params.get("States")
        wanted = [s for s in statuses if not states or s["State"] in states]
        return _page(call, "CreateAccountStatuses", wanted)

    @_administrators_only
    def list_accounts(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        """List every account."""
        accounts = [a for a in organization.accounts.values() if a.is_ready]
        return _page(call, "Accounts", [_describe_account(organization, a) for a in accounts])

    @_administrators_only
    def list_accounts_for_parent(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List the accounts directly in an OU or the root."""
        parent = _parent(organization, call.params["ParentId"])
        accounts = [
            a for a in organization.accounts.values() if a.parent == parent.id and a.is_ready
        ]
        return _page(call, "Accounts", [_describe_account(organization, a) for a in accounts])

    @_administrators_only
    def describe_account(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        """Describe one account."""
        account = _account(organization, call.params["AccountId"])
        return {"Account": _describe_account(organization, account)}

    @_management_only
    def close_account(self, call: Call, organization: OrganizationState) -> None:
        """Suspend an account."""
        account = _account(organization, call.params["AccountId"])
        if account.id == organization.management:
            raise ServiceError(
                "ConstraintViolationException",
                "You can't close the management account.",
                Reason="CANNOT_CLOSE_MANAGEMENT_ACCOUNT",
            )
        if account.status != "ACTIVE":
            raise ServiceError(
                "AccountAlreadyClosedException", "You attempted to close an account already closed."
            )
        account.status = "SUSPENDED"

    @_management_only
    def remove_account_from_organization(self, call: Call, organization: OrganizationState) -> None:
        """Let an account leave."""
        account = _account(organization, call.params["AccountId"])
        if account.id == organization.management:
            raise ServiceError(
                "MasterCannotLeaveOrganizationException",
                "You can't remove a management account from an organization.",
            )
        if account.services:
            raise ServiceError(
                "ConstraintViolationException",
                "Deregister the account as a delegated administrator before removing it.",
                Reason="CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG",
            )
        del organization.accounts[account.id]

    @_management_only
    def move_account(self, call: Call, organization: OrganizationState) -> None:
        """Move an account between OUs."""
        account = _account(organization, call.params["AccountId"])
        source, destination = call.params["SourceParentId"], call.params["DestinationParentId"]
        if account.parent != source:
            raise ServiceError(
                "SourceParentNotFoundException",
                "We can't find a source root or OU with the ParentId that you specified.",
            )
        if destination not in organization.units:
            raise ServiceError(
                "DestinationParentNotFoundException",
                "We can't find the destination container (a root or OU) with the ParentId that "
                "you specified.",
            )
        if source == destination:
            raise ServiceError(
                "DuplicateAccountException",
                "That account is already present in the specified destination.",
            )
        account.parent = destination

    # Organizational units

    @_management_only
    def create_organizational_unit(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """Create an OU."""
        parent, name = _parent(organization, call.params["ParentId"]), call.params["Name"]
        _refuse_duplicate_unit(organization, parent=parent.id, name=name)
        unit = Unit(
            id=organization.new_unit_id(),
            name=name,
            parent=parent.id,
            tags=_tags(call.params.get("Tags", [])),
        )
        organization.units[unit.id] = unit
        return {"OrganizationalUnit": _describe_unit(organization, unit)}

    @_administrators_only
    def describe_organizational_unit(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """Describe an OU."""
        unit = _unit(organization, call.params["OrganizationalUnitId"])
        return {"OrganizationalUnit": _describe_unit(organization, unit)}

    @_management_only
    def update_organizational_unit(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """Rename an OU."""
        unit = _unit(organization, call.params["OrganizationalUnitId"])
        name = call.params.get("Name", unit.name)
        if name != unit.name:
            _refuse_duplicate_unit(organization, parent=unit.parent, name=name)
        unit.name = name
        return {"OrganizationalUnit": _describe_unit(organization, unit)}

    @_management_only
    def delete_organizational_unit(self, call: Call, organization: OrganizationState) -> None:
        """Delete an empty OU."""
        unit = _unit(organization, call.params["OrganizationalUnitId"])
        accounts = [a for a in organization.accounts.values() if a.parent == unit.id]
        units = [u for u in organization.units.values() if u.parent == unit.id]
        if accounts or units:
            raise ServiceError(
                "OrganizationalUnitNotEmptyException",
                "The specified OU is not empty. Move all accounts to another root or to other OUs, "
                "remove all child OUs, and try the operation again.",
            )
        del organization.units[unit.id]

    @_administrators_only
    def list_organizational_units_for_parent(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List the OUs directly in a parent."""
        parent = _parent(organization, call.params["ParentId"])
        units = [u for u in organization.units.values() if u.parent == parent.id]
        return _page(call, "OrganizationalUnits", [_describe_unit(organization, u) for u in units])

    @_administrators_only
    def list_children(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        """List the accounts or OUs directly in a parent, ids only."""
        parent, kind = _parent(organization, call.params["ParentId"]), call.params["ChildType"]
        pool: Sequence[Account | Unit]
        if kind == "ACCOUNT":
            pool = [a for a in organization.accounts.values() if a.is_ready]
        else:
            pool = list(organization.units.values())
        children = [{"Id": c.id, "Type": kind} for c in pool if c.parent == parent.id]
        return _page(call, "Children", children)

    @_administrators_only
    def list_parents(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        """Return the one parent of an account or OU."""
        child = call.params["ChildId"]
        found = organization.accounts.get(child) or organization.units.get(child)
        if found is None or not found.parent:
            raise ServiceError(
                "ChildNotFoundException",
                "We can't find an organizational unit (OU) or AWS account with the ChildId that "
                "you specified.",
            )
        kind = "ROOT" if found.parent == organization.root_id else "ORGANIZATIONAL_UNIT"
        return {"Parents": [{"Id": found.parent, "Type": kind}]}

    # Trusted access and delegated administrators

    @_management_only
    def enable_aws_service_access(self, call: Call, organization: OrganizationState) -> None:
        """Turn on trusted access of a service."""
        organization.trusted.setdefault(call.params["ServicePrincipal"], now())

    @_management_only
    def disable_aws_service_access(self, call: Call, organization: OrganizationState) -> None:
        """Turn off trusted access of a service that has no delegated administrator."""
        principal = call.params["ServicePrincipal"]
        if any(principal in account.services for account in organization.accounts.values()):
            raise ServiceError(
                "ConstraintViolationException",
                "You must deregister all delegated administrators of the service first.",
                Reason="DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE",
            )
        organization.trusted.pop(principal, None)

    @_administrators_only
    def list_aws_service_access_for_organization(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List the services with trusted access."""
        services = [
            {"ServicePrincipal": principal, "DateEnabled": since}
            for principal, since in sorted(organization.trusted.items())
        ]
        return _page(call, "EnabledServicePrincipals", services)

    @_management_only
    def register_delegated_administrator(self, call: Call, organization: OrganizationState) -> None:
        """Let a member account administer a service that has trusted access."""
        account = _account(organization, call.params["AccountId"])
        principal = call.params["ServicePrincipal"]
        if account.id == organization.management:
            raise ServiceError(
                "ConstraintViolationException",
                "You cannot register master account/yourself as delegated administrator for your "
                "organization.",
                Reason="CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
            )
        if principal in account.services:
            raise ServiceError(
                "AccountAlreadyRegisteredException",
                "The specified account is already a delegated administrator for this AWS service.",
            )
        if principal not in organization.trusted:
            raise ServiceError(
                "ConstraintViolationException",
                "You must enable trusted access of the service before registering a delegated "
                "administrator.",
                Reason="SERVICE_ACCESS_NOT_ENABLED",
            )
        account.services[principal] = now()
        account.delegated_since = account.delegated_since or now()

    def deregister_delegated_administrator(self, call: Call) -> None:
        """Take a service's administration back."""
        self._deregister(call)
        for service in self.aws.services:  # outside the lock: they have locks of their own
            service.on_delegated_administrator_removed(
                account=call.params["AccountId"],
                service_principal=call.params["ServicePrincipal"],
            )

    @_management_only
    def _deregister(self, call: Call, organization: OrganizationState) -> None:
        account = _account(organization, call.params["AccountId"])
        principal = call.params["ServicePrincipal"]
        if principal not in account.services:
            raise ServiceError(
                "AccountNotRegisteredException",
                "The specified account is not a delegated administrator for this AWS service.",
            )
        del account.services[principal]
        if not account.services:
            account.delegated_since = None

    @_administrators_only
    def list_delegated_administrators(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List delegated administrators, of one service if asked."""
        principal = call.params.get("ServicePrincipal")
        admins = [
            _describe_account(organization, account)
            | {"DelegationEnabledDate": account.delegated_since}
            for account in organization.accounts.values()
            if (principal in account.services if principal else account.services)
        ]
        for admin in admins:
            admin.pop("Paths", None)
        return _page(call, "DelegatedAdministrators", admins)

    @_administrators_only
    def list_delegated_services_for_account(
        self, call: Call, organization: OrganizationState
    ) -> dict[str, Any]:
        """List the services an account administers."""
        account = _account(organization, call.params["AccountId"])
        if not account.services:
            raise ServiceError(
                "AccountNotRegisteredException",
                "The specified account is not a delegated administrator for this AWS service.",
            )
        services = [
            {"ServicePrincipal": principal, "DelegationEnabledDate": since}
            for principal, since in sorted(account.services.items())
        ]
        return _page(call, "DelegatedServices", services)

    # Tags

    @_management_only
    def tag_resource(self, call: Call, organization: OrganizationState) -> None:
        """Add tags to an account, OU or root."""
        _tagged(organization, call).update(_tags(call.params["Tags"]))

    @_management_only
    def untag_resource(self, call: Call, organization: OrganizationState) -> None:
        """Remove tags from an account, OU or root."""
        tags = _tagged(organization, call)
        for key in call.params["TagKeys"]:
            tags.pop(key, None)

    @_administrators_only
    def list_tags_for_resource(self, call: Call, organization: OrganizationState) -> dict[str, Any]:
        """List the tags of an account, OU or root."""
        tags = _tagged(organization, call)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


_PRINCIPAL = "organizations.amazonaws.com"


def _denied() -> ServiceError:
    return ServiceError(
        "AccessDeniedException", "You don't have permissions to access this resource."
    )


def _tags(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _page(call: Call, member: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    page, token = paginate(
        items,
        token=call.params.get("NextToken"),
        size=call.params.get("MaxResults"),
        default=PAGE,
        error=lambda: ServiceError(
            "InvalidInputException", "You provided an invalid token.", Reason="INVALID_NEXT_TOKEN"
        ),
    )
    return {member: page} | ({"NextToken": token} if token else {})


def _account(organization: OrganizationState, account_id: str) -> Account:
    account = organization.accounts.get(account_id)
    if account is None or not account.is_ready:
        raise ServiceError(
            "AccountNotFoundException",
            "You specified an account that doesn't exist.",
        )
    return account


def _unit(organization: OrganizationState, unit_id: str) -> Unit:
    unit = organization.units.get(unit_id)
    if unit is None or not unit.parent:
        raise ServiceError(
            "OrganizationalUnitNotFoundException",
            "You specified an organizational unit that doesn't exist.",
        )
    return unit


def _parent(organization: OrganizationState, parent_id: str) -> Unit:
    unit = organization.units.get(parent_id)
    if unit is None:
        raise ServiceError(
            "ParentNotFoundException",
            "You specified parent that doesn't exist.",
        )
    return unit


def _refuse_duplicate_unit(organization: OrganizationState, *, parent: str, name: str) -> None:
    if any(u.parent == parent and u.name == name for u in organization.units.values()):
        raise ServiceError(
            "DuplicateOrganizationalUnitException", "An OU with the same name already exists."
        )


def _tagged(organization: OrganizationState, call: Call) -> dict[str, str]:
    resource = call.params["ResourceId"]
    found = organization.accounts.get(resource) or organization.units.get(resource)
    if found is None:
        raise ServiceError("TargetNotFoundException", "You specified a target that doesn't exist.")
    return found.tags


def _describe_organization(organization: OrganizationState) -> dict[str, Any]:
    management = organization.accounts[organization.management]
    return {
        "Id": organization.id,
        "Arn": organization.arn("organization"),
        "FeatureSet": organization.feature_set,
        "MasterAccountArn": organization.arn("account", management.id),
        "MasterAccountId": management.id,
        "MasterAccountEmail": management.email,
        "AvailablePolicyTypes": [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}],
    }


def _describe_account(organization: OrganizationState, account: Account) -> dict[str, Any]:
    return {
        "Id": account.id,
        "Arn": organization.arn("account", account.id),
        "Email": account.email,
        "Name": account.name,
        "Status": account.status,
        "State": account.status,
        "JoinedMethod": account.joined_method,
        "JoinedTimestamp": account.created,
    }


def _describe_unit(organization: OrganizationState, unit: Unit) -> dict[str, Any]:
    return {"Id": unit.id, "Arn": organization.arn("ou", unit.id), "Name": unit.name}


def _creation_status(account: Account, *, known: bool) -> dict[str, Any]:
    status: dict[str, Any] = {
        "Id": account.creation_id,
        "AccountName": account.name,
        "State": "SUCCEEDED" if known else "IN_PROGRESS",
        "RequestedTimestamp": account.created,
    }
    if known:
        status |= {"AccountId": account.id, "CompletedTimestamp": account.created}
    return status
