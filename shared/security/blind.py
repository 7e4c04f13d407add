"""Blind indexes: keyed digests by which equal values find each other without being stored."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK_BYTES = 64
"""SHA-256 takes in so much at once; a key fills the first block."""
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class BlindIndex:
    """HMAC-SHA-256 under versioned keys that are kept outside the database.

    While a rotation's backfill runs there are two versions, and both are written.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise ValueError("RINTIS_BLIND_KEYS names no key; give it as <version>:<base64>")
        self._started = {version: _start(key) for version, key in sorted(keys.items())}
        self.current = max(keys)

    @classmethod
    def parse(cls, text: str) -> BlindIndex:
        """Read `<version>:<base64>[,<version>:<base64>]`."""
        pairs = (part.split(":", 1) for part in text.split(",") if part.strip())
        return cls({int(version): b64decode(key) for version, key in pairs})

    def tokens(self, kind: str, value: str) -> dict[int, bytes]:
        """Return the token of a value per key version; `kind` keeps a phone from meeting a NIK."""
        text = f"{kind}\x1f{value}".encode()
        found: dict[int, bytes] = {}
        for version, (started_inner, started_outer) in self._started.items():
            inner, outer = started_inner.copy(), started_outer.copy()
            inner.update(text)
            outer.update(inner.digest())
            found[version] = outer.digest()
        return found


def _start(key: bytes) -> tuple[_Hash, _Hash]:
    """Return both hashes of an HMAC (RFC 2104) with the key taken in: going on from there takes a third of what `hmac.digest` does."""
    block = (key if len(key) <= _BLOCK_BYTES else sha256(key).digest()).ljust(_BLOCK_BYTES, b"\x00")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))
