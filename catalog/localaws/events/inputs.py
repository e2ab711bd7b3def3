"""What a target receives: the event, a part of it, a constant, or a transformed text.

Source: "Amazon EventBridge input transformation" in the EventBridge User Guide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")
_MISSING = object()


def read_path(path: str, event: Any) -> Any:
    """Return what a JSON path such as `$.detail.items[0]` points at, or None."""
    value = _read(path, event)
    return None if value is _MISSING else value


def _read(path: str, value: Any) -> Any:
    for name, index, quoted in _STEP.findall(path.removeprefix("$")):
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return _MISSING
            value = value[int(index)]
        else:
            key = name or quoted
            if not isinstance(value, dict) or key not in value:
                return _MISSING
            value = value[key]
    return value


def target_input(target: Mapping[str, Any], event: dict[str, Any], *, rule_arn: str) -> str:
    """Return the text that a target receives for an event."""
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        return json.dumps(read_path(target["InputPath"], event))
    if "InputTransformer" in target:
        return transform(target["InputTransformer"], event, rule_arn=rule_arn)
    return json.dumps(event)


def transform(transformer: Mapping[str, Any], event: dict[str, Any], *, rule_arn: str) -> str:
    """Return an input template with its variables filled in.

    Inside a JSON string a variable's text is put in as it is; elsewhere it becomes a JSON value. A
    variable whose path the event lacks is empty.
    """
    values: dict[str, Any] = {
        name: _read(path, event) for name, path in transformer.get("InputPathsMap", {}).items()
    }
    values |= {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_arn.rsplit("/", 1)[-1],
        "aws.events.event.ingestion-time": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws.events.event": {key: item for key, item in event.items() if key != "detail"},
        "aws.events.event.json": event,
    }
    template = transformer["InputTemplate"]
    pieces: list[str] = []
    position, quoted = 0, False
    for match in _PLACEHOLDER.finditer(template):
        literal = template[position : match.start()]
        quoted ^= len(re.findall(r'(?<!\\)"', literal)) % 2 == 1
        pieces.append(literal)
        pieces.append(_fill(match, values, quoted=quoted))
        position = match.end()
    pieces.append(template[position:])
    return "".join(pieces)


def _fill(match: re.Match[str], values: Mapping[str, Any], *, quoted: bool) -> str:
    if match.group(1) not in values:
        return match.group(0)
    value = values[match.group(1)]
    if value is _MISSING:
        return "" if quoted else '""'
    text = json.dumps(value)
    if not quoted:
        return text
    return text[1:-1] if isinstance(value, str) else json.dumps(text)[1:-1]
