"""Blind indexes: keyed digests by which equal values find each other without being stored."""

from __future__ import annotations

import hmac
from base64 import b64decode
from collections.abc import Mapping


class BlindIndex:
    """HMAC-SHA-256 under versioned keys that are kept outside the database.

    While a rotation's backfill runs there are two versions, and both are written.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise ValueError("RINTIS_BLIND_KEYS names no key; give it as <version>:<base64>")
        self._keys = dict(sorted(keys.items()))
        self.current = max(self._keys)

    @classmethod
    def parse(cls, text: str) -> BlindIndex:
        """Read `<version>:<base64>[,<version>:<base64>]`."""
        pairs = (part.split(":", 1) for part in text.split(",") if part.strip())
        return cls({int(version): b64decode(key) for version, key in pairs})

    def tokens(self, kind: str, value: str) -> dict[int, bytes]:
        """Return the token of a value per key version; `kind` keeps a phone from meeting a NIK."""
        text = f"{kind}\x1f{value}".encode()
        return {version: hmac.digest(key, text, "sha256") for version, key in self._keys.items()}
