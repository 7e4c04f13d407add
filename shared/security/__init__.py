"""Sealed boxes, the key store, blind indexes, access codes and the identity of callers."""

from pathlib import Path

from shared.security.blind import BlindIndex
from shared.security.boxes import Boxes, open_bytes, seal_bytes
from shared.security.callers import Caller, Callers, Unauthenticated
from shared.security.codes import hash_access_code, matches_access_code, new_access_code
from shared.security.keystore import KeyStore

KEY_MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = [
    "KEY_MIGRATIONS",
    "BlindIndex",
    "Boxes",
    "Caller",
    "Callers",
    "KeyStore",
    "Unauthenticated",
    "hash_access_code",
    "matches_access_code",
    "new_access_code",
    "open_bytes",
    "seal_bytes",
]
