"""How ids follow from their causes, worked out from the published rule and not by the code under test.

The rule (`docs/architecture/overview.md`): 48 bits of milliseconds, then 80 bits of BLAKE2b over cause, kind and ordinal,
parted by the unit separator; version 8 and variant 2 of RFC 9562. What is recognised whenever it comes has time zero.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

SEPARATOR = "\x1f"


def timeless_id(name: str, kind: str) -> str:
    """Return the id of what is known by its name alone, as text."""
    digest = hashlib.blake2b(f"{name}{SEPARATOR}{kind}{SEPARATOR}0".encode(), digest_size=10).digest()
    value = int.from_bytes(digest, "big")
    value = (value & ~(0xF << 76)) | (0x8 << 76)
    return str(UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62)))


def submission_id_of(publisher: str, source: str, id_: str) -> str:
    """Return what an event from outside is recognised by: publisher, source and id."""
    return timeless_id(SEPARATOR.join((publisher, source, id_)), "seen")


def reference_id_of(publisher: str, reference: str) -> str:
    """Return what stands for a publisher's reference of a registration."""
    return timeless_id(SEPARATOR.join((publisher, reference)), "registration reference")
