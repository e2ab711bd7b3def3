"""Running a stack: create, update, delete, and the way back when something fails.

Sources: "Stack statuses", "Understand CloudFormation stack creation events", "Update behaviors of
stack resources", DeletionPolicy and UpdateReplacePolicy in the CloudFormation User Guide.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from catalog.localaws.cloudformation import graph
from catalog.localaws.cloudformation.intrinsics import Resolver
from catalog.localaws.cloudformation.lookup import LiveLookup
from catalog.localaws.cloudformation.model import Settings, Stack, StackResource, State, now
from catalog.localaws.cloudformation.outputs import compute_outputs
from catalog.localaws.cloudformation.resources import find_handler
from catalog.localaws.cloudformation.resources.base import (
    Context,
    Created,
    HandlerError,
    ResourceHandler,
    is_not_found,
    reason_of,
)
from catalog.localaws.cloudformation.template import Resource
from catalog.localaws.cloudformation.validation import (
    active_resources,
    dependencies,
    property_message,
)
from catalog.localaws.core.local import LocalAws
from catalog.localaws.core.service import ServiceError

_FAILED = (HandlerError, ClientError, ServiceError)


class StackRun:
    """One operation on one stack; runs in a background thread.

    Args:
        aws: the running local AWS.
        state: the account's and region's stacks, for exports.
        stack: already in its IN_PROGRESS status.
        credentials: what every call is signed with.
    """

    def __init__(
        self, aws: LocalAws, state: State, stack: Stack, credentials: dict[str, str]
    ) -> None:
        self._aws = aws
        self._state = state
        self._stack = stack
        self._credentials = credentials
        self._deadline: float | None = None
        self._replaced: list[StackResource] = []
        self._touched: dict[str, StackResource | None] = {}

    def create(self) -> None:
        """Make every resource of a new stack."""
        stack = self._stack
        if stack.timeout_minutes:
            self._deadline = time.monotonic() + 60 * stack.timeout_minutes
        resolver = self._resolver(stack.settings)
        order = self._order(stack.settings, resolver)
        failures = graph.run(
            order, lambda name: self._create_one(name, order, resolver), stop=self._stopped
        )
        if stack.deleting:
            return
        reason = self._failure_reason("create", failures)
        if reason is None:
            reason = compute_outputs(self._state, stack, resolver)
        if reason is None:
            stack.move("CREATE_COMPLETE")
            return
        if stack.disable_rollback or stack.on_failure == "DO_NOTHING":
            stack.move("CREATE_FAILED", reason)
        elif stack.on_failure == "DELETE":
            stack.move("CREATE_FAILED", reason)
            stack.move("DELETE_IN_PROGRESS")
            self.delete(retain=())
        else:
            stack.move("ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
            self._rollback_create()

    def update(self, new: Settings) -> None:
        """Bring the stack to `new`; on failure bring it back to what it is now."""
        stack = self._stack
        stack.previous = stack.settings
        stack.settings = new
        stack.unfinished = {}
        resolver = self._resolver(new)
        order = self._order(new, resolver)
        gone = [r for name, r in stack.resources.items() if name not in order]
        failures = graph.run(
            order, lambda name: self._update_one(name, order, resolver), stop=self._stopped
        )
        reason = self._failure_reason("update", failures)
        if reason is None:
            outputs_before = stack.outputs, stack.imports
            reason = compute_outputs(self._state, stack, resolver)
            if reason is not None:
                stack.outputs, stack.imports = outputs_before
        if reason is not None:
            if stack.disable_rollback:
                stack.move("UPDATE_FAILED", reason)
            else:
                stack.move("UPDATE_ROLLBACK_IN_PROGRESS", reason)
                self.rollback_update(skip=())
            return
        stack.move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for resource in gone:
            stack.resources.pop(resource.logical_id, None)
        self._clean_up(gone, self._replaced)
        stack.move("UPDATE_COMPLETE")
        stack.previous = None

    def rollback_update(self, *, skip: tuple[str, ...]) -> None:
        """Bring the resources an update touched back to what they were."""
        stack = self._stack
        touched = self._touched or dict(stack.unfinished)
        stack.unfinished = {}
        assert stack.previous is not None  # noqa: S101 - set when the update began
        stack.settings = stack.previous
        stack.cancel.clear()
        failed: dict[str, StackResource] = {}
        made: list[StackResource] = []
        for name, before in reversed(touched.items()):
            current = stack.resources.get(name)
            if before is None:
                if current is not None:
                    made.append(stack.resources.pop(name))
                continue
            if name in skip:
                before.status = "UPDATE_COMPLETE"
                stack.resources[name] = before
                continue
            if current is not None and current.physical_id != before.physical_id:
                if current.physical_id:
                    made.append(current)
                stack.resources[name] = before
                stack.mark(before, "UPDATE_COMPLETE")
                continue
            if not self._restore(name, before, current):
                failed[name] = before
        if failed:
            stack.unfinished = dict(failed)
            names = ", ".join(failed)
            stack.move(
                "UPDATE_ROLLBACK_FAILED",
                f"The following resource(s) failed to update: [{names}]. ",
            )
            return
        stack.move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up(made, [], always=True)
        stack.move("UPDATE_ROLLBACK_COMPLETE")
        stack.previous = None

    def delete(self, *, retain: tuple[str, ...]) -> None:
        """Remove every resource in reverse order; keep the ones to be retained."""
        stack = self._stack
        kept = {"DELETE_COMPLETE", "DELETE_SKIPPED"}
        living = {n: r for n, r in stack.resources.items() if r.status not in kept}
        order = graph.reverse({name: r.needs for name, r in living.items()})

        def remove(name: str) -> None:
            resource = living[name]
            if name in retain or resource.definition.deletion_policy != "Delete":
                keep = resource.definition.deletion_policy
                if name in retain or keep in ("Retain", "RetainExceptOnCreate"):
                    stack.mark(resource, "DELETE_SKIPPED")
                    return
            self._delete_one(resource)

        failures = graph.run(order, remove, keep_going=True)
        if failures:
            names = ", ".join(sorted(failures))
            stack.move("DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]. ")
            return
        stack.outputs, stack.imports = [], set()
        stack.deleted = now()
        stack.move("DELETE_COMPLETE")

    # One resource

    def _create_one(self, name: str, order: Mapping[str, set[str]], resolver: Resolver) -> None:
        definition = self._stack.settings.template.resources[name]
        resource = StackResource(
            logical_id=name, type=definition.type, definition=definition, needs=order[name]
        )
        self._touched.setdefault(name, None)
        self._stack.resources[name] = resource
        self._make(resource, resolver)

    def _make(self, resource: StackResource, resolver: Resolver) -> None:
        stack = self._stack
        handler = _handler(resource.type)
        stack.mark(resource, "CREATE_IN_PROGRESS")
        try:
            resource.properties = self._effective(handler, resource.definition, resolver)
            created = handler.create(self._context(resource), resource.properties)
        except _FAILED as error:
            stack.mark(resource, "CREATE_FAILED", reason_of(error, stack.token))
            raise
        except Exception as error:
            stack.mark(resource, "CREATE_FAILED", f"Internal Failure: {error!r}")
            raise
        self._initiated(resource, created.physical_id)
        _take(resource, created)
        stack.mark(resource, "CREATE_COMPLETE")

    def _update_one(self, name: str, order: Mapping[str, set[str]], resolver: Resolver) -> None:
        stack = self._stack
        definition = stack.settings.template.resources[name]
        old = stack.resources.get(name)
        if old is None:
            self._create_one(name, order, resolver)
            return
        handler = _handler(definition.type)
        if old.type == definition.type:
            properties = self._effective_or_fail(handler, old, definition, resolver)
            if properties == old.properties and old.status != "CREATE_FAILED":
                old.definition, old.needs = definition, order[name]
                return
            if not handler.must_replace(old.properties, properties):
                self._change(handler, old, definition, properties, order[name])
                return
        self._touched[name] = replace(old)
        fresh = StackResource(
            logical_id=name, type=definition.type, definition=definition, needs=order[name]
        )
        stack.resources[name] = fresh
        stack.mark(
            replace(old, status="UPDATE_IN_PROGRESS"),
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; "
            "hence creating one.",
        )
        self._make_replacement(fresh, resolver)
        self._replaced.append(old)

    def _make_replacement(self, fresh: StackResource, resolver: Resolver) -> None:
        self._make(fresh, resolver)
        self._stack.mark(fresh, "UPDATE_COMPLETE")

    def _effective_or_fail(
        self,
        handler: ResourceHandler,
        old: StackResource,
        definition: Resource,
        resolver: Resolver,
    ) -> dict[str, Any]:
        try:
            return self._effective(handler, definition, resolver)
        except _FAILED as error:
            self._touched[old.logical_id] = replace(old)
            self._stack.mark(old, "UPDATE_FAILED", reason_of(error, self._stack.token))
            raise

    def _change(
        self,
        handler: ResourceHandler,
        resource: StackResource,
        definition: Resource,
        properties: dict[str, Any],
        needs: set[str],
    ) -> None:
        stack = self._stack
        before = replace(resource)
        self._touched[resource.logical_id] = before
        stack.mark(resource, "UPDATE_IN_PROGRESS")
        try:
            updated = handler.update(self._context(resource), resource.properties, properties)
        except Exception as error:
            # Some of the handler's calls may have been made: the way back starts from there.
            resource.properties = properties
            stack.mark(resource, "UPDATE_FAILED", reason_of(error, stack.token))
            raise
        if updated.physical_id != before.physical_id:
            self._replaced.append(before)
        resource.physical_id = updated.physical_id
        resource.properties, resource.definition, resource.needs = properties, definition, needs
        _take(resource, updated)
        stack.mark(resource, "UPDATE_COMPLETE")

    def _restore(self, name: str, before: StackResource, current: StackResource | None) -> bool:
        """Set one resource back to `before`; return whether that worked."""
        stack = self._stack
        now_properties = current.properties if current else before.properties
        resource = replace(before)
        stack.resources[name] = resource
        stack.mark(resource, "UPDATE_IN_PROGRESS")
        try:
            updated = _handler(before.type).update(
                self._context(resource), now_properties, before.properties
            )
        except Exception as error:  # noqa: BLE001 - any failure ends as the resource's reason
            # Still what the update made of it: a continued rollback starts from there.
            resource.properties = now_properties
            stack.mark(resource, "UPDATE_FAILED", reason_of(error, stack.token))
            return False
        resource.physical_id = updated.physical_id
        _take(resource, updated)
        stack.mark(resource, "UPDATE_COMPLETE")
        return True

    def _delete_one(self, resource: StackResource) -> None:
        stack = self._stack
        if resource.physical_id is None:
            resource.status = "DELETE_COMPLETE"
            return
        stack.mark(resource, "DELETE_IN_PROGRESS")
        try:
            _handler(resource.type).delete(self._context(resource), resource.properties)
        except ClientError as error:
            if not is_not_found(error):
                stack.mark(resource, "DELETE_FAILED", reason_of(error, stack.token))
                raise
        except Exception as error:
            stack.mark(resource, "DELETE_FAILED", reason_of(error, stack.token))
            raise
        stack.mark(resource, "DELETE_COMPLETE")

    # The way back and the way out

    def _rollback_create(self) -> None:
        stack = self._stack
        order = graph.reverse({name: r.needs for name, r in stack.resources.items()})

        def remove(name: str) -> None:
            resource = stack.resources[name]
            retained = resource.definition.deletion_policy == "Retain"
            if retained and resource.physical_id and not stack.retain_except_on_create:
                stack.mark(resource, "DELETE_SKIPPED")
                return
            self._delete_one(resource)

        failures = graph.run(order, remove, keep_going=True)
        if failures:
            names = ", ".join(sorted(failures))
            stack.move(
                "ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{names}]. "
            )
        else:
            stack.move("ROLLBACK_COMPLETE")

    def _clean_up(
        self, gone: list[StackResource], replaced: list[StackResource], *, always: bool = False
    ) -> None:
        """Delete what an update left over; failures are recorded and do not change its outcome."""
        doomed: dict[str, tuple[StackResource, str]] = {}
        for resource in gone:
            policy = "Delete" if always else str(resource.definition.deletion_policy)
            if always and resource.definition.deletion_policy == "Retain":
                policy = "Delete" if self._stack.retain_except_on_create else "Retain"
            doomed[f"{resource.logical_id} gone"] = (replace(resource), policy)
        for resource in replaced:
            policy = str(resource.definition.update_replace_policy)
            doomed[f"{resource.logical_id} replaced"] = (replace(resource), policy)
        needs = {
            key: {
                other
                for other, (target, _) in doomed.items()
                if target.logical_id in resource.needs and target is not resource
            }
            for key, (resource, _) in doomed.items()
        }

        def remove(key: str) -> None:
            resource, policy = doomed[key]
            if policy == "Delete":
                self._delete_one(resource)
            else:
                self._stack.mark(resource, "DELETE_SKIPPED")

        graph.run(graph.reverse(needs), remove, keep_going=True)

    # Help

    def _stopped(self) -> bool:
        late = self._deadline is not None and time.monotonic() > self._deadline
        return late or self._stack.cancel.is_set() or self._aws.stopping.is_set()

    def _failure_reason(self, verb: str, failures: Mapping[str, Exception]) -> str | None:
        if failures:
            return f"The following resource(s) failed to {verb}: [{', '.join(failures)}]. "
        if self._stack.cancel.is_set():
            return "User Initiated"
        if self._deadline is not None and time.monotonic() > self._deadline:
            return "Stack creation time exceeded the specified timeout. "
        return None

    def _order(self, settings: Settings, resolver: Resolver) -> dict[str, set[str]]:
        return dependencies(settings.template, active_resources(settings.template, resolver))

    def _resolver(self, settings: Settings) -> Resolver:
        return Resolver(
            template=settings.template,
            parameters={name: value.typed for name, value in settings.parameters.items()},
            pseudo=pseudo_parameters(self._stack, settings),
            lookup=LiveLookup(state=self._state, stack=self._stack, client=self._client("ssm")),
        )

    def _client(self, service: str) -> Callable[[], Any]:
        return lambda: self._aws.client_as(
            self._credentials,
            service,
            region=self._stack.region,
            via="cloudformation.amazonaws.com",
        )

    def _effective(
        self, handler: ResourceHandler, definition: Resource, resolver: Resolver
    ) -> dict[str, Any]:
        resolved = resolver.resolve(definition.properties)
        problems = handler.problems(resolved)
        if problems:
            raise HandlerError(property_message(definition.logical_id, problems))
        return handler.effective(resolved, self._stack.settings.tags)

    def _context(self, resource: StackResource) -> Context:
        return Context(
            aws=self._aws,
            stack=self._stack,
            credentials=self._credentials,
            logical_id=resource.logical_id,
            physical_id=resource.physical_id or "",
            attributes=resource.attributes,
            report=lambda physical_id: self._initiated(resource, physical_id),
            cancelled=self._stopped,
        )

    def _initiated(self, resource: StackResource, physical_id: str) -> None:
        first = resource.physical_id is None
        resource.physical_id = physical_id
        if first:
            self._stack.mark(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")


def pseudo_parameters(stack: Stack, settings: Settings) -> dict[str, Any]:
    """Return the pseudo parameters of a stack, AWS::NoValue aside."""
    return {
        "AWS::AccountId": stack.account,
        "AWS::NotificationARNs": list(settings.notification_arns),
        "AWS::Partition": "aws",
        "AWS::Region": stack.region,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _handler(kind: str) -> ResourceHandler:
    handler = find_handler(kind)
    assert handler is not None  # noqa: S101 - the template was validated
    return handler


def _take(resource: StackResource, created: Created) -> None:
    attributes = dict(created.attributes)
    if created.ref is not None:
        attributes["Ref"] = created.ref
    resource.attributes = attributes
