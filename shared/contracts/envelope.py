"""CloudEvents 1.0 attributes and the identity of an event."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, ClassVar, NamedTuple
from uuid import UUID

from asyncpg.pgproto import pgproto
from pydantic import BaseModel, ConfigDict, Field

SPEC_VERSION = "1.0"
JSON = "application/json"
TYPE_PREFIX = "id.rintis."
_MAX_MS = (1 << 48) - 1
_SAME = (("content-type", JSON.encode()), ("ce_specversion", SPEC_VERSION.encode()))

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


class Envelope(NamedTuple):
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
        time = (int(at.timestamp() * 1000) & _MAX_MS).to_bytes(6, "big")
    elif isinstance(cause, UUID):
        time = cause.bytes[:6]
    else:
        raise TypeError("a textual cause needs `at`")
    digest = hashlib.blake2b(f"{cause}\x1f{kind}\x1f{ordinal}".encode(), digest_size=10).digest()
    version, variant = 0x80 | digest[0] & 0x0F, 0x80 | digest[2] & 0x3F
    # A `uuid.UUID` made in C: a registration leads to twenty of them, at a fifth of the time.
    return pgproto.UUID(time + bytes((version, digest[1], variant)) + digest[3:])


def hash64(event_id: UUID) -> int:
    """Return the signed 64-bit number that stands for an event in the flow ledger's sums: an id's second half is a digest itself."""
    return int.from_bytes(event_id.bytes[8:], "big", signed=True)


def headers_of(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Return the Kafka headers of an event in CloudEvents binary mode."""
    headers = [*_shared_headers(envelope.type, envelope.source, envelope.time), ("ce_id", envelope.id.encode())]
    if envelope.sequence is not None:
        headers.append(("ce_sequence", b"%d" % envelope.sequence))
    if envelope.subject is not None:
        headers.append(("ce_subject", envelope.subject.encode()))
    if envelope.traceparent is not None:
        headers.append(("ce_traceparent", envelope.traceparent.encode()))
    return headers


@lru_cache(maxsize=1_024)
def _shared_headers(type_: str, source: str, time: datetime) -> tuple[tuple[str, bytes], ...]:
    """Return what events of one type share that were said together."""
    text = time.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return (*_SAME, ("ce_type", type_.encode()), ("ce_source", source.encode()), ("ce_time", text.encode()))
