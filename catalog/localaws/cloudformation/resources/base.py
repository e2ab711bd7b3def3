"""What a resource handler is: the calls that make, change and remove one resource type.

A handler makes ordinary boto3 calls signed with the credentials the stack runs with, so every call
is authorised as the caller's (or the stack's service role's).
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation.schema import ResourceSchema, Unresolved, load_schema

if TYPE_CHECKING:
    from catalog.localaws.cloudformation.model import Stack
    from catalog.localaws.core.local import LocalAws

Properties = Mapping[str, Any]

_NOT_FOUND = (
    "NoSuch",
    "NotFound",
    "DoesNotExist",
    "NonExistent",
    "RepositoryDoesNotExist",
    "ObjectNotFound",
)


class HandlerError(Exception):
    """A resource that could not be made, changed or removed; the message is the status reason."""


@dataclass(frozen=True, kw_only=True)
class Created:
    """A resource as its handler leaves it.

    Attributes:
        physical_id: PhysicalResourceId of the stack's resource.
        ref: what `Ref` yields, when it is not the physical id.
        attributes: what `Fn::GetAtt` yields, by (dotted) name.
    """

    physical_id: str
    ref: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(kw_only=True)
class Context:
    """What a handler works with.

    Attributes:
        physical_id: of the existing resource, for update and delete.
        attributes: of the existing resource, for update and delete.
        report: tells the engine a physical id as soon as something exists, so that a failure in
            a later call leaves nothing behind.
    """

    aws: LocalAws
    stack: Stack
    credentials: dict[str, str]
    logical_id: str
    physical_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    report: Callable[[str], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False

    @property
    def account(self) -> str:
        """Account of the stack."""
        return self.stack.account

    @property
    def region(self) -> str:
        """Region of the stack."""
        return self.stack.region

    def client(self, service: str) -> Any:
        """Return a client that signs as whoever the stack runs as."""
        return self.aws.client_as(
            self.credentials, service, region=self.region, via="cloudformation.amazonaws.com"
        )

    def arn(self, service: str, resource: str) -> str:
        """Return an ARN in the stack's account and region."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def name(self, limit: int, *, lower: bool = False, separator: str = "-") -> str:
        """Return a physical name as CloudFormation makes them: stack, logical id, random part."""
        suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        room = limit - len(suffix) - 1
        prefix = f"{self.stack.name}{separator}{self.logical_id}"
        if len(prefix) > room:
            half = (room - 1) // 2
            prefix = f"{self.stack.name[:half]}{separator}{self.logical_id[: room - 1 - half]}"
        name = f"{prefix}{separator}{suffix}"
        return name.lower() if lower else name

    def wait(self, done: Callable[[], bool], *, seconds: float, what: str) -> None:
        """Poll `done` until it is true.

        Raises:
            HandlerError: after `seconds`, or when the operation was cancelled.
        """
        deadline = time.monotonic() + seconds
        pause = 0.01
        while not done():
            if self.cancelled():
                raise HandlerError("Resource creation cancelled")
            if time.monotonic() > deadline:
                raise HandlerError(f"Exceeded attempts to wait: {what}")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)


class ResourceHandler:
    """Base of every resource type.

    Attributes:
        type: CloudFormation's name of the type.
        published_schema: whether AWS publishes a schema of the type.
        handled: top-level properties that the handler passes on; None when it passes on all of
            them. A template that sets another one is refused, since it would be lost.
        volatile: whether an update in place may change what `Fn::GetAtt` yields.
        extra_attributes: attributes of `Fn::GetAtt` beyond the schema's read-only properties.
    """

    type: ClassVar[str]
    published_schema: ClassVar[bool] = True
    handled: ClassVar[frozenset[str] | None] = None
    volatile: ClassVar[bool] = False
    extra_attributes: ClassVar[frozenset[str]] = frozenset()

    def schema(self) -> ResourceSchema:
        """Return the schema of the type."""
        return load_schema(self.type)

    def problems(self, properties: Properties) -> list[str]:
        """Return what is wrong with (possibly unresolved) properties."""
        found = self.schema().problems(properties)
        if self.handled is not None:
            known = self.schema().document.get("properties", {})
            found += [
                f"#: key [{name}] of {self.type} is not emulated by the local CloudFormation"
                for name in properties
                if name in known
                and name not in self.handled
                and name not in self.schema().read_only
            ]
        return found

    def has_attribute(self, attribute: str) -> bool:
        """Return whether `Fn::GetAtt` knows the attribute."""
        known = self.schema().read_only | self.extra_attributes
        return attribute in known or attribute.split(".", maxsplit=1)[0] in known

    def effective(self, properties: Properties, tags: Mapping[str, str]) -> dict[str, Any]:
        """Return properties with types coerced and the stack's tags added where taggable.

        AWS puts `aws:` tags on resources out of band, past the tagging calls, which refuse them;
        here only stacks carry them.
        """
        tags = {key: value for key, value in tags.items() if not key.lower().startswith("aws:")}
        schema = self.schema()
        merged = schema.coerce(properties)
        name = schema.document.get("tagProperty", "Tags")
        definition = schema.document.get("properties", {}).get(name)
        if definition is None or name in schema.read_only or not tags:
            return merged
        given = merged.get(name)
        if definition.get("type") == "object" or "patternProperties" in definition:
            merged[name] = {**tags, **(given or {})}
        else:
            own = {tag["Key"]: tag["Value"] for tag in given or ()}
            merged[name] = [{"Key": k, "Value": v} for k, v in {**tags, **own}.items()]
        return merged

    def replacement(self, old: Properties, new: Properties) -> str:
        """Return "True", "False" or "Conditional": whether a change replaces the resource."""
        schema = self.schema()
        verdict = "False"
        for path in schema.create_only:
            before, after = _at(old, path), _at(new, path)
            if contains_unresolved(after):
                if before is not None or after is not None:
                    verdict = "Conditional"
            elif before != after:
                return "True"
        for path in schema.conditional_create_only:
            if _at(old, path) != _at(new, path):
                verdict = "Conditional"
        return verdict

    def must_replace(self, old: Properties, new: Properties) -> bool:
        """Return whether a change of resolved properties needs a new physical resource."""
        return self.replacement(old, new) == "True"

    def create(self, ctx: Context, properties: Properties) -> Created:
        """Make the resource."""
        raise NotImplementedError

    def update(self, ctx: Context, old: Properties, new: Properties) -> Created:
        """Change the resource in place, or return another physical id to have the old deleted."""
        del ctx, old, new
        raise HandlerError(f"Update of {self.type} is not emulated by the local CloudFormation.")

    def delete(self, ctx: Context, properties: Properties) -> None:
        """Remove the resource; one that is already gone is an error the engine knows to ignore."""
        raise NotImplementedError


def contains_unresolved(value: Any) -> bool:
    """Return whether any part of a value is known only once the stack runs."""
    if isinstance(value, dict):
        return any(contains_unresolved(item) for item in value.values())
    if isinstance(value, list):
        return any(contains_unresolved(item) for item in value)
    return isinstance(value, Unresolved)


def changed(old: Properties, new: Properties, *names: str) -> bool:
    """Return whether any of the named properties differs."""
    return any(old.get(name) != new.get(name) for name in names)


def tag_changes(
    old: Properties, new: Properties, name: str = "Tags"
) -> tuple[list[Any], list[str]]:
    """Return the tags to set, as Key/Value pairs, and the keys to remove."""
    before = {tag["Key"]: tag["Value"] for tag in old.get(name) or ()}
    after = {tag["Key"]: tag["Value"] for tag in new.get(name) or ()}
    upsert = [{"Key": k, "Value": v} for k, v in after.items() if before.get(k) != v]
    return upsert, [key for key in before if key not in after]


def is_not_found(error: ClientError) -> bool:
    """Return whether an error says that the resource does not exist."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    text = str(error.response.get("Error", {}).get("Message", ""))
    return any(mark in code for mark in _NOT_FOUND) or (
        code in ("ValidationException", "ValidationError", "InvalidParameterException")
        and any(mark in text for mark in ("does not exist", "not found", "Could not find"))
    )


def reason_of(error: Exception, token: str | None) -> str:
    """Return the status reason CloudFormation shows for a failure of a handler."""
    if not isinstance(error, ClientError):
        return str(error) or type(error).__name__
    details = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code = str(details.get("Code", ""))
    kind = "GeneralServiceException"
    if "AccessDenied" in code or "Unauthorized" in code or metadata.get("HTTPStatusCode") == 403:
        kind = "AccessDenied"
    elif is_not_found(error):
        kind = "NotFound"
    elif any(mark in code for mark in ("AlreadyExists", "NameExists", "AlreadyOwned", "InUse")):
        kind = "AlreadyExists"
    elif "Throttl" in code:
        kind = "Throttling"
    elif any(mark in code for mark in ("Invalid", "Validation", "Malformed")):
        kind = "InvalidRequest"
    return (
        f'Resource handler returned message: "{details.get("Message", "")} '
        f"(Operation: {error.operation_name}, Error Code: {code}, "
        f"Status Code: {metadata.get('HTTPStatusCode', 400)}, "
        f'Request ID: {metadata.get("RequestId", "")})" '
        f"(RequestToken: {token}, HandlerErrorCode: {kind})"
    )


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        if isinstance(value, list):
            value = [item.get(part) for item in value if isinstance(item, dict)]
        elif isinstance(value, dict):
            value = value.get(part)
        else:
            return value if isinstance(value, Unresolved) else None
    return value


def collect(handlers: Iterable[ResourceHandler]) -> dict[str, ResourceHandler]:
    """Return handlers by type name."""
    return {handler.type: handler for handler in handlers}
