"""Access codes: what a person proves with, beside the ticket, that a registration is theirs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from uuid import UUID

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0, O, 1, I, L: people copy codes from a screen by hand."""
CODE_LENGTH = 8
"""31^8 is about 8.5e11: guessing is bounded by the doors, and the hash by scrypt's cost."""
_COST = {"n": 2**4, "r": 8, "p": 1}


def new_access_code() -> str:
    """Return a new random code of eight characters."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def hash_access_code(code: str, worker_id: UUID) -> str:
    """Return the digest that may be stored; salted by the worker."""
    return hashlib.scrypt(code.upper().encode(), salt=worker_id.bytes, dklen=24, n=_COST["n"], r=_COST["r"], p=_COST["p"]).hex()


def matches_access_code(code: str, worker_id: UUID, digest: str) -> bool:
    """Return whether the code is the one, in constant time."""
    return hmac.compare_digest(hash_access_code(code, worker_id), digest)
