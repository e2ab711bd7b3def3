"""Rewriting why a push was refused.

A hook can only make git say "pre-receive hook declined". Hosts such as GitHub give their own reason
in that place, and tools read it there, so the report (pkt-lines inside side band 1, see git's
`pack-protocol`) is taken apart and put together again.
"""

from __future__ import annotations

from collections.abc import Iterator

_DECLINED = b"pre-receive hook declined"
_BAND_LIMIT = 65_515
_FLUSH = b"0000"


def with_reasons(answer: bytes, reason: str) -> bytes:
    """Return a receive-pack answer whose refused references carry `reason`."""
    report = b""
    rest: list[bytes] = []
    for line in _lines(answer):
        if line[:1] == b"\x01":
            report += line[1:]
        elif line:
            rest.append(line)
    if not report:
        return answer
    rewritten = b"".join(
        _line(line.replace(_DECLINED, reason.encode())) if line else _FLUSH
        for line in _lines(report)
    )
    parts = [_line(line) for line in rest]
    parts.extend(
        _line(b"\x01" + rewritten[start : start + _BAND_LIMIT])
        for start in range(0, len(rewritten), _BAND_LIMIT)
    )
    return b"".join(parts) + _FLUSH


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the pkt-lines of `data`; an empty one for a flush."""
    place = 0
    while place + 4 <= len(data):
        length = int(data[place : place + 4], 16)
        yield data[place + 4 : place + length] if length else b""
        place += length or 4


def _line(content: bytes) -> bytes:
    return f"{len(content) + 4:04x}".encode() + content
