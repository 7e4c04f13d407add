"""CloudEvents 1.0 attributes and the identity of an event."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SPEC_VERSION = "1.0"
JSON = "application/json"
TYPE_PREFIX = "id.rintis."
_MAX_MS = (1 << 48) - 1

SealedBox = Annotated[
    str,
    Field(pattern=r"^v1\.[A-Za-z0-9_-]+$", description="A sealed box: AES-256-GCM, readable only with the subject's key."),
]
"""Ciphertext that may travel and rest anywhere; a service may pass it on unopened."""


class Event(BaseModel):
    """Data of one fact. Unknown fields are ignored, so a hearer survives a newer publisher."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    def key(self) -> str:
        """Return the opaque id that orders this event on its topic."""
        raise TypeError(f"{type(self).__name__} has no key")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The CloudEvents attributes of one record.

    `sequence` numbers a key's events on a topic without gaps from 1; intake events have none.
    """

    id: str
    source: str
    type: str
    time: datetime
    sequence: int | None = None
    subject: str | None = None
    traceparent: str | None = None


def derive_id(cause: UUID | str, kind: str, ordinal: int = 0, *, at: datetime | None = None) -> UUID:
    """Return the id of what `cause` led to: the same work done again gives the same id.

    The first 48 bits are milliseconds since the epoch (RFC 9562, UUID version 8): of `at`, else the cause's own.
    `kind` tells apart what one cause leads to, `ordinal` several of one kind.
    """
    if at is not None:
        milliseconds = int(at.timestamp() * 1000) & _MAX_MS
    elif isinstance(cause, UUID):
        milliseconds = cause.int >> 80
    else:
        raise TypeError("a textual cause needs `at`")
    text = f"{cause}\x1f{kind}\x1f{ordinal}".encode()
    digest = int.from_bytes(hashlib.blake2b(text, digest_size=10).digest(), "big")
    value = (milliseconds << 80) | digest
    value = (value & ~(0xF << 76)) | (0x8 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return UUID(int=value)


def hash64(event_id: UUID) -> int:
    """Return the signed 64-bit number that stands for an event in the flow ledger's sums."""
    digest = hashlib.blake2b(event_id.bytes, digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def headers_of(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an event in CloudEvents binary mode."""
    pairs = [
        ("content-type", JSON),
        ("ce_specversion", SPEC_VERSION),
        ("ce_type", envelope.type),
        ("ce_source", envelope.source),
        ("ce_id", envelope.id),
        ("ce_time", envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z")),
    ]
    if envelope.sequence is not None:
        pairs.append(("ce_sequence", str(envelope.sequence)))
    if envelope.subject is not None:
        pairs.append(("ce_subject", envelope.subject))
    if envelope.traceparent is not None:
        pairs.append(("ce_traceparent", envelope.traceparent))
    return [(name, value.encode()) for name, value in pairs]
