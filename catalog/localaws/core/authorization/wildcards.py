"""IAM's wildcards: `*` is any text, `?` any one character; policy variables are filled first."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

Context = Mapping[str, str | tuple[str, ...]]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@functools.lru_cache(maxsize=16384)
def _compiled(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    text = "".join(parts.get(character) or re.escape(character) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Tell whether `value` matches `pattern` as a whole."""
    return bool(_compiled(pattern, ignore_case=ignore_case).fullmatch(value))


def arn_matches(pattern: str, value: str, *, context: Context | None = None) -> bool:
    """Compare ARNs part by part: a wildcard does not reach over one of the first five colons."""
    if pattern == "*":
        return True
    wanted, actual = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(actual) and all(
        matches_filled(w, a, context or {}) for w, a in zip(wanted, actual, strict=True)
    )


def matches_filled(pattern: str, value: str, context: Context) -> bool:
    """Match after replacing policy variables, whose values never act as wildcards."""
    if "${" not in pattern:
        return matches(pattern, value)
    regex = fill_regex(pattern, context)
    return regex is not None and bool(regex.fullmatch(value))


def fill_regex(pattern: str, context: Context) -> re.Pattern[str] | None:
    """Compile a pattern that holds `${key}` or `${key, 'default'}`; None when a key is missing."""
    text, end = "", 0
    for match in _VARIABLE.finditer(pattern):
        text += _compiled(pattern[end : match.start()], ignore_case=False).pattern
        filled = variable(match[1], context)
        if filled is None:
            return None
        text += re.escape(filled)
        end = match.end()
    text += _compiled(pattern[end:], ignore_case=False).pattern
    return re.compile(text, re.DOTALL)


def variable(expression: str, context: Context) -> str | None:
    """Return the value of what stands between `${` and `}`, or None when it has none."""
    if expression in ("*", "?", "$"):
        return expression
    key, _, default = expression.partition(",")
    value = context.get(key.strip().lower())
    if isinstance(value, str):
        return value
    return default.strip().strip("'") or None


def fill(text: str, context: Context) -> str | None:
    """Replace policy variables in a literal; None when a key is missing."""
    values = {m[0]: variable(m[1], context) for m in _VARIABLE.finditer(text)}
    if None in values.values():
        return None
    return _VARIABLE.sub(lambda m: values[m[0]] or "", text)
