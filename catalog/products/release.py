"""What publishing fills in: the release a project is born from, and where its assets lie."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from catalog.bundles.model import (
    PLACEHOLDER_ASSETS_BUCKET_PREFIX,
    PLACEHOLDER_CATALOG_URL,
    PLACEHOLDER_RELEASE_TAG,
    PLACEHOLDER_WHEELS_PREFIX,
)

_MAPPING = "Catalog"
_SECTION = "Release"


class ReleaseValues(Construct):
    """A mapping that holds the placeholders, each exactly once, and references to it."""

    assets_bucket_text = "${CatalogAssetsBucketPrefix}-${AWS::Region}"
    wheels_prefix_text = "${CatalogWheelsPrefix}"

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        mapping = cdk.CfnMapping(
            self,
            "Mapping",
            mapping={
                _SECTION: {
                    "Tag": PLACEHOLDER_RELEASE_TAG,
                    "Url": PLACEHOLDER_CATALOG_URL,
                    "AssetsBucketPrefix": PLACEHOLDER_ASSETS_BUCKET_PREFIX,
                    "WheelsPrefix": PLACEHOLDER_WHEELS_PREFIX,
                }
            },
        )
        mapping.override_logical_id(_MAPPING)
        self.tag = self._find("Tag")
        self.catalog_url = self._find("Url")
        self.wheels_prefix = self._find("WheelsPrefix")
        self.variables = {
            "CatalogAssetsBucketPrefix": self._find("AssetsBucketPrefix"),
            "CatalogWheelsPrefix": self.wheels_prefix,
        }

    @staticmethod
    def _find(key: str) -> str:
        return str(cdk.Fn.find_in_map(_MAPPING, _SECTION, key))

    def sub(self, text: str) -> str:
        """Return `Fn::Sub` of a text that may hold this class's `..._text` variables."""
        used = {name: value for name, value in self.variables.items() if f"${{{name}}}" in text}
        return str(cdk.Fn.sub(text, used))
