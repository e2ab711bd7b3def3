"""Which pushes start a pipeline."""

from __future__ import annotations

import fnmatch
from typing import Any

from catalog.localaws.git.http import Change
from catalog.localaws.git.repository import NULL

_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def polls_codecommit(declaration: dict[str, Any], *, repository: str, branch: str) -> bool:
    """Tell whether a pipeline looks for changes of a CodeCommit branch by itself.

    `PollForSourceChanges` defaults to true; pipelines that an EventBridge rule starts set it to
    false.
    """
    for action in declaration["stages"][0]["actions"]:
        settings = action["configuration"]
        if (
            action["actionTypeId"]["provider"] == "CodeCommit"
            and settings.get("RepositoryName") == repository
            and settings.get("BranchName") == branch
            and settings.get("PollForSourceChanges", "true").lower() != "false"
        ):
            return True
    return False


def provider_change_starts(
    declaration: dict[str, Any],
    *,
    connections: frozenset[str],
    repository: str,
    change: Change,
) -> bool:
    """Tell whether a push to a provider's repository starts a pipeline.

    Args:
        declaration: the pipeline.
        connections: ARNs of the connections through which the provider sends the change.
        repository: `owner/name`.
        change: the reference that moved.
    """
    if change.new == NULL:
        return False
    triggers = {
        trigger["gitConfiguration"]["sourceActionName"]: trigger["gitConfiguration"]
        for trigger in declaration.get("triggers", [])
    }
    for action in declaration["stages"][0]["actions"]:
        settings = action["configuration"]
        if (
            action["actionTypeId"]["provider"] != "CodeStarSourceConnection"
            or settings.get("ConnectionArn") not in connections
            or settings.get("FullRepositoryId") != repository
        ):
            continue
        if action["name"] in triggers:
            if _triggered(triggers[action["name"]], change):
                return True
            continue
        detects = settings.get("DetectChanges", "true").lower() != "false"
        if detects and change.reference == _HEADS + settings.get("BranchName", ""):
            return True
    return False


def _triggered(configuration: dict[str, Any], change: Change) -> bool:
    for push in configuration.get("push", []):
        for key, prefix in (("branches", _HEADS), ("tags", _TAGS)):
            if key in push and change.reference.startswith(prefix):
                name = change.reference.removeprefix(prefix)
                if _passes(name, push[key]):
                    return True
    return False


def _passes(name: str, criteria: dict[str, list[str]]) -> bool:
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in criteria.get("excludes", [])):
        return False
    includes = criteria.get("includes", [])
    return not includes or any(fnmatch.fnmatchcase(name, pattern) for pattern in includes)
