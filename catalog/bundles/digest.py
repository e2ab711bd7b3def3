"""One digest over everything that a bundle publishes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from catalog.bundles.model import Asset


def bundle_digest(*, cloudformation: str, assets: Iterable[Asset]) -> str:
    """Return the lower-case hex sha256 over the canonical template and every asset.

    Names and lengths are hashed with the contents, so that no two different bundles can run
    together into the same bytes.
    """
    digest = hashlib.sha256()
    parts = [("template", cloudformation.encode())]
    parts += [(asset.key, asset.content) for asset in sorted(assets, key=lambda a: a.key)]
    for name, content in parts:
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
