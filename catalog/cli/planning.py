"""Shows a plan and how an apply went: a tree a person can read, and JSON for machines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from catalog.cli.publication import Outlook, Sources
from catalog.errors import CatalogError
from catalog.publishing import apply as applying
from catalog.publishing.actions import Action
from catalog.publishing.serialize import plan_to_dict
from catalog.spokes.roles import STACK_NAME
from catalog.spokes.rollout import RolesAction

_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_COLOURS = {"+": "green", "~": "yellow", "-": "red"}
_ROLE_SIGNS = {"create": "+", "update": "~", "recreate": "~"}


def print_plan(console: Console, *, outlook: Outlook, sources: Sources) -> None:
    """Print what would be done, by account and region, with its reasons and differences."""
    for line in plan_lines(outlook=outlook, sources=sources):
        console.print(line)


def plan_lines(*, outlook: Outlook, sources: Sources) -> Iterator[str]:
    """Yield the lines of a plan in rich's markup."""
    release = sources.release
    yield f"[bold]{sources.manifest.catalog}[/] at {release.tag} ({release.catalog_url})"
    for bundle in sources.bundles.values():
        yield f"  {bundle.template} {bundle.version}  sha256 {bundle.digest[:16]}"
    if outlook.role_actions:
        yield f"\n[bold]Roles[/] (stack {STACK_NAME})"
        for role_action in outlook.role_actions:
            sign = _ROLE_SIGNS[role_action.verb]
            yield f"  [{_COLOURS[sign]}]{sign}[/] {role_action.account}: {role_action.verb}"
    places: dict[tuple[str, str], list[Action]] = {}
    for action in outlook.plan.actions:
        places.setdefault((action.account, action.region), []).append(action)
    for (account, region), actions in places.items():
        yield f"\n[bold]{account} {region}[/]"
        for action in actions:
            yield from _action_lines(action)
    for note in outlook.plan.notes:
        yield f"\nNote: {escape(note)}"
    for error in outlook.unreadable:
        yield f"\n[bold red]not covered:[/] {escape(str(error))}"
    yield f"\n{_summary(outlook)}"


def short(text: str) -> str:
    """Return `text` with every sha256 cut to its first twelve digits, as git cuts commits."""
    return _DIGEST.sub(r"\1", text)


def _action_lines(action: Action) -> Iterator[str]:
    sign = action.kind.sign
    yield f"  [{_COLOURS[sign]}]{sign}[/] {escape(short(action.subject))}: {escape(action.reason)}"
    for change in action.changes:
        before = "(absent)" if change.before is None else change.before
        after = "(absent)" if change.after is None else change.after
        yield f"      {escape(change.attribute)}: {escape(before)} -> {escape(after)}"


def _summary(outlook: Outlook) -> str:
    if outlook.empty:
        where = " in what was looked at" if outlook.only else ""
        return f"Nothing to do{where}: AWS is as the catalog says."
    signs = [action.kind.sign for action in outlook.plan.actions]
    signs += [_ROLE_SIGNS[action.verb] for action in outlook.role_actions]
    return (
        f"Plan: {signs.count('+')} to create, {signs.count('~')} to change,"
        f" {signs.count('-')} to remove."
    )


def outlook_to_dict(outlook: Outlook) -> dict[str, Any]:
    """Return the plan with its roles as JSON-ready values; `read_plan` reads it back."""
    document: dict[str, Any] = json.loads(json.dumps(plan_to_dict(outlook.plan)))
    document["only"] = outlook.only.to_dict()
    document["roles"] = [
        {"account": action.account, "verb": action.verb} for action in outlook.role_actions
    ]
    document["roles_unreadable"] = {
        stack.account: stack.error.message for stack in outlook.roles if stack.error
    }
    return document


class ApplyProgress:
    """Shows an apply while it runs: a bar on a terminal, one line per action elsewhere."""

    def __init__(self, console: Console, *, total: int) -> None:
        self._console = console
        self._total = total
        self._done = 0
        self._bar: Progress | None = None
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            self._task = self._bar.add_task("applying", total=total)

    def __enter__(self) -> ApplyProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def role(self, action: RolesAction, error: CatalogError | None) -> None:
        """Report a roles stack that is done or failed."""
        self._line(
            sign=_ROLE_SIGNS[action.verb],
            where=action.account,
            subject=f"stack {STACK_NAME}",
            error=error,
        )

    def step(self, progress: applying.Progress) -> None:
        """Report one step of the plan."""
        if progress.state is applying.State.STARTED:
            return
        if progress.state is applying.State.BLOCKED:
            self._line(
                sign="!",
                where=_where(progress.action),
                subject=f"{progress.action.subject}: not begun, what it needs has failed",
                error=None,
            )
            return
        self._line(
            sign=progress.action.kind.sign,
            where=_where(progress.action),
            subject=progress.action.subject,
            error=progress.error,
            seconds=progress.seconds,
        )

    def _line(
        self,
        *,
        sign: str,
        where: str,
        subject: str,
        error: CatalogError | None,
        seconds: float = 0.0,
    ) -> None:
        self._done += 1
        colour = "red" if error else _COLOURS.get(sign, "red")
        mark = "x" if error else sign
        took = f" ({seconds:.1f} s)" if seconds >= 1 else ""
        reason = f": {escape(error.message.splitlines()[0])}" if error else ""
        count = f"{self._done}/{self._total}"
        self._console.print(
            f"  [{colour}]{mark}[/] {count:>7} {where:<27} {escape(short(subject))}{reason}{took}"
        )
        if self._bar:
            self._bar.update(self._task, completed=self._done)


def _where(action: Action) -> str:
    return f"{action.account} {action.region}"


def write_step_summary(text: str) -> None:
    """Append Markdown to the job's summary page when GitHub Actions runs this."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text + "\n")


def markdown_summary(*, outlook: Outlook, sources: Sources) -> str:
    """Return the plan as Markdown, for a step summary."""
    rows = [
        f"| `{action.kind.sign}` | {_where(action)} | {action.subject} | {action.reason} |"
        for action in outlook.plan.actions
    ]
    rows += [
        f"| `{_ROLE_SIGNS[action.verb]}` | {action.account} | stack {STACK_NAME} | roles |"
        for action in outlook.role_actions
    ]
    head = f"### {sources.manifest.catalog} at {sources.release.tag}\n\n{_summary(outlook)}\n"
    return head + (
        "\n| | where | what | why |\n|---|---|---|---|\n" + "\n".join(rows) if rows else ""
    )
