"""YAML text to plain data that remembers where everything stood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from catalog.errors import Location, Problem

KeyPath = tuple[str | int, ...]

# Far above any real manifest, far below what a document of nested aliases can expand to.
_MAX_VALUES = 100_000
_TRUE_FALSE = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Document:
    """A parsed YAML file.

    Attributes:
        file: path as the user wrote it.
        data: plain Python values; None for an empty file.
        lines: 1-based line of every value, by its path.
        problems: syntax errors and duplicate keys.
    """

    file: str
    data: Any
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def where(self, path: KeyPath) -> Location:
        """Return the location of `path`, or of its nearest ancestor that stands in the file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return Location(file=self.file, line=self.lines[path[:end]], key=dotted(path))
        return Location(file=self.file, key=dotted(path) or None)


def dotted(path: KeyPath) -> str:
    """Return `portfolios.ml.templates[0]` for a path of keys and indexes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def read_document(path: Path, *, shown_as: str | None = None) -> Document:
    """Read and parse a YAML file; whatever is wrong with it ends up in `problems`."""
    file = shown_as or str(path)
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return _broken(
            file, Problem(message=f"cannot be read: {reason}", where=Location(file=file))
        )
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text (byte {error.start})"
        return _broken(file, Problem(message=message, where=Location(file=file)))
    return parse_document(text, file=file)


def parse_document(text: str, *, file: str) -> Document:
    """Parse YAML text; see `read_document`."""
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        message = "; ".join(part for part in (error.context, error.problem) if part)
        problem = Problem(
            message=f"is not valid YAML: {message or 'syntax error'}",
            where=Location(file=file, line=line),
        )
        return _broken(file, problem)
    except RecursionError:
        problem = Problem(message="is nested too deeply", where=Location(file=file))
        return _broken(file, problem)
    except (YAMLError, ValueError, LookupError, AttributeError, TypeError, AssertionError) as error:
        # ruamel.yaml lets some plain Python errors out on malformed directives and escapes.
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        problem = Problem(message=f"is not valid YAML: {first_line}", where=Location(file=file))
        return _broken(file, problem)
    builder = _Builder(file)
    try:
        data = builder.build(node, ()) if node is not None else None
    except _TooLargeError:
        problem = Problem(
            message=f"expands to more than {_MAX_VALUES} values",
            where=Location(file=file),
            hint="aliases of aliases multiply",
        )
        return _broken(file, problem)
    except RecursionError:
        problem = Problem(message="is nested too deeply", where=Location(file=file))
        return _broken(file, problem)
    return Document(file=file, data=data, lines=builder.lines, problems=tuple(builder.problems))


def _broken(file: str, problem: Problem) -> Document:
    return Document(file=file, data=None, problems=(problem,))


class _TooLargeError(Exception):
    pass


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: Node, path: KeyPath, *, line: int | None = None) -> Any:
        self._count += 1
        if self._count > _MAX_VALUES:
            raise _TooLargeError
        self.lines[path] = line or node.start_mark.line + 1
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if id(node) in self._open:
            self._report("an alias that contains itself", node, path)
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            raise TypeError(type(node).__name__)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in self._entries(node, path):
            if not isinstance(key_node, ScalarNode):
                self._report("keys must be plain text", key_node, path)
                continue
            key = str(key_node.value)
            if key in values:
                self._report(
                    f"key {key!r} appears twice (first on line {self.lines[(*path, key)]})",
                    key_node,
                    (*path, key),
                )
                continue
            values[key] = self.build(value_node, (*path, key), line=key_node.start_mark.line + 1)
        return values

    def _entries(self, node: MappingNode, path: KeyPath) -> list[tuple[Node, Node]]:
        """Return the entries of a mapping with `<<` merged in: its own keys win."""
        own: list[tuple[Node, Node]] = []
        merged: list[tuple[Node, Node]] = []
        for key, value in node.value:
            if getattr(key, "tag", None) != "tag:yaml.org,2002:merge":
                own.append((key, value))
                continue
            sources = value.value if isinstance(value, SequenceNode) else [value]
            for source in sources:
                if isinstance(source, MappingNode) and id(source) not in self._open:
                    merged.extend(source.value)
                else:
                    self._report("'<<' merges mappings only", key, path)
        seen = {str(key.value) for key, _ in own if isinstance(key, ScalarNode)}
        entries = list(own)
        for key, value in merged:
            if isinstance(key, ScalarNode) and str(key.value) not in seen:
                seen.add(str(key.value))
                entries.append((key, value))
        return entries

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        kind = str(node.tag).rpartition(":")[2]
        text = str(node.value)
        try:
            if kind == "null":
                return None
            if kind == "bool" and text.lower() in _TRUE_FALSE:
                return _TRUE_FALSE[text.lower()]
            if kind == "int":
                return _integer(text)
            if kind == "float":
                return float(text.replace("_", ""))
        except ValueError:
            return text
        if kind not in {"str", "null", "bool", "int", "float", "timestamp", "merge", "value"}:
            self._report(f"the YAML tag {node.tag} is not used here", node, path)
        return text

    def _report(self, message: str, node: Node, path: KeyPath) -> None:
        where = Location(file=self.file, line=node.start_mark.line + 1, key=dotted(path) or None)
        self.problems.append(Problem(message=message, where=where))


def _integer(text: str) -> int | str:
    """Return the number, or the text where digits would be lost (`012345678901`)."""
    digits = text.replace("_", "").lstrip("+-")
    if digits.isdigit() and len(digits) < 40:
        return text if len(digits) > 1 and digits.startswith("0") else int(text.replace("_", ""))
    return int(text, 0)
