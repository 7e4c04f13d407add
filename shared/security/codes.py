"""Access codes: what a person proves with, beside the ticket, that a registration is theirs."""

from __future__ import annotations

import hashlib
import hmac
import os
from uuid import UUID

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0, O, 1, I, L: people copy codes from a screen by hand."""
CODE_LENGTH = 8
"""31^8 is about 8.5e11: guessing is bounded by the doors. A digest may rest in sealed boxes only: it could be searched through."""
_FAIR = 256 - 256 % len(ALPHABET)
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))
"""Random bytes that would make the first letters likelier than the others; they are left out."""


def new_access_code() -> str:
    """Return a new random code of eight characters."""
    code = ""
    while len(code) < CODE_LENGTH:
        code += os.urandom(2 * CODE_LENGTH).translate(_LETTERS, _UNFAIR).decode()
    return code[:CODE_LENGTH]


def hash_access_code(code: str, worker_id: UUID) -> str:
    """Return the digest that rests in the worker's sealed facts; another worker's of the same code is another."""
    return hashlib.blake2b(code.upper().encode(), key=worker_id.bytes, digest_size=24).hexdigest()


def matches_access_code(code: str, worker_id: UUID, digest: str) -> bool:
    """Return whether the code is the one, in constant time."""
    return hmac.compare_digest(hash_access_code(code, worker_id), digest)
