"""From a Kafka record to a checked event, one verdict per record."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from asyncpg.pgproto import pgproto
from pydantic import ValidationError

from shared.clock import Clock
from shared.contracts.envelope import SPEC_VERSION, TYPE_PREFIX, Envelope, Event, derive_id
from shared.errors import Unprocessable

E = TypeVar("E", bound=Event)

MAX_DIGITS = 18
"""Longest sequence number that fits PostgreSQL's bigint."""
MAX_ATTRIBUTE = 200
"""Longest CloudEvents attribute or key that we take, in characters."""
_required = itemgetter("ce_specversion", "ce_type", "ce_source", "ce_id", "ce_time")
_TYPE = re.compile(r"^[a-z0-9_.]{1,200}$")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KafkaRecord(Protocol):
    """What we read of aiokafka's ConsumerRecord."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it was, kept while it waits or after it died."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @classmethod
    def load(cls, data: bytes, *, topic: str, partition: int, offset: int, timestamp: int) -> StoredRecord:
        """Read what `dump` wrote."""
        raw = json.loads(data)
        headers = [(name, _unpack(value)) for name, value in raw["headers"]]
        return cls(topic, partition, offset, timestamp, _unpack(raw["key"]), _unpack(raw["value"]), headers)


def dump(record: KafkaRecord) -> bytes:
    """Return key, headers and value of a record, byte for byte, as JSON with base64."""
    headers = [(name, _pack(value)) for name, value in record.headers]
    return json.dumps({"key": _pack(record.key), "value": _pack(record.value), "headers": headers}).encode()


def _pack(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode()


def _unpack(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


@dataclass(slots=True)
class Received(Generic[E]):
    """One checked event as a handler gets it. Not to be changed: it is not frozen because that would make it three times as dear.

    `id` is the event's own id on our topics; on intake it is derived from (source, ce_id), and so is `mark`, by which copies are known.
    `arrived_at` is the broker's time of the record as business time; `minute_at` is what the flow ledger counts by.
    `is_redriven`: an operator has put it back after it was dead; on intake only its handler can tell whether it is old truth.
    """

    id: UUID
    event: E
    envelope: Envelope
    topic: str
    partition: int
    offset: int
    key: str
    arrived_at: datetime
    minute_at: datetime
    publisher: str | None = None
    is_redriven: bool = False
    mark: UUID | None = None

    @property
    def source(self) -> str:
        """Return the CloudEvents source."""
        return self.envelope.source


class Reading(NamedTuple):
    """What a record turned out to be; `received` is None for a kind that is not heard, or not in this version."""

    id: UUID
    key: str
    envelope: Envelope
    minute_at: datetime
    received: Received[Event] | None = None
    is_newer_version: bool = False


class Reader:
    """Checks records against the models of one consumer's topic."""

    def __init__(self, models: Mapping[str, type[Event]], *, is_intake: bool, clock: Clock) -> None:
        self._models = models
        self._stems = {stem_of(type_) for type_ in models}
        self._is_intake = is_intake
        self._clock = clock

    def read(self, record: KafkaRecord) -> Reading:
        """Return what the record is. Raises Unprocessable with the field that is wrong."""
        envelope = read_envelope(record.headers)
        broker_at = _instant(record.timestamp)
        publisher = self._publisher_of(record)
        id_ = self._id_of(envelope, publisher)
        minute_at = envelope.time if publisher is None else broker_at
        model = self._models.get(envelope.type)
        if model is None:
            return Reading(id_, key_of(record), envelope, minute_at, is_newer_version=self._is_newer(envelope.type))
        event = _read_body(model, record.value)
        key = _text(record.key, "key")
        if key != event.key():
            raise Unprocessable("key_mismatch", "key")
        mark = None if publisher is None else seen_id(envelope, publisher)
        received = Received(
            id_,
            event,
            envelope,
            record.topic,
            record.partition,
            record.offset,
            key,
            self._clock.at(broker_at),
            minute_at,
            publisher,
            mark=mark,
        )
        return Reading(id_, key, envelope, minute_at, received)

    def id_of(self, record: KafkaRecord) -> UUID | None:
        """Return the id that a record's attributes name, None where they cannot be read."""
        try:
            return self._id_of(read_envelope(record.headers), self._publisher_of(record))
        except Unprocessable:
            return None

    def _publisher_of(self, record: KafkaRecord) -> str | None:
        return record.topic.rsplit(".", 1)[-1] if self._is_intake else None

    @staticmethod
    def _id_of(envelope: Envelope, publisher: str | None) -> UUID:
        return _own_id(envelope) if publisher is None else intake_id(envelope, publisher)

    @staticmethod
    def sequence_of(record: KafkaRecord) -> int | None:
        """Return the number of a record that cannot be read, so that its followers are not held up by a gap."""
        value = {name.lower(): value for name, value in record.headers}.get("ce_sequence")
        return int(value) if value and value.isdigit() and len(value) <= MAX_DIGITS else None

    def _is_newer(self, type_: str) -> bool:
        is_known_kind = stem_of(type_) in self._stems
        if self._is_intake:
            raise Unprocessable("version_unknown" if is_known_kind else "type_unknown", "ce_type")
        return is_known_kind


class UnknownVersion(Exception):
    """An event of ours in a major version that this process is too old to read: it waits for the upgrade."""


def stem_of(type_: str) -> str:
    """Return an event type without its major version."""
    return type_.rsplit(".v", 1)[0]


def intake_id(envelope: Envelope, publisher: str) -> UUID:
    """Return our id of an event from outside: by publisher, source and id, with the time that it states."""
    return derive_id(_name(envelope, publisher), "intake", at=max(envelope.time, _EPOCH))


def seen_id(envelope: Envelope, publisher: str) -> UUID:
    """Return what an event from outside is recognised by: publisher, source and id, whatever time a copy states.

    The publisher is known by the topic that only it may write: nobody can use up another's ids by naming its source.
    """
    return derive_id(_name(envelope, publisher), "seen", at=_EPOCH)


def _name(envelope: Envelope, publisher: str) -> str:
    return f"{publisher}\x1f{envelope.source}\x1f{envelope.id}"


def key_of(record: KafkaRecord) -> str:
    """Return the key that a record's order is kept by, whatever is wrong with it."""
    return (record.key or b"").decode("utf-8", "replace").replace("\x00", "")[:200]


def read_envelope(headers: Sequence[tuple[str, bytes | None]]) -> Envelope:
    """Return the CloudEvents attributes of a record in binary mode. Raises Unprocessable naming the header."""
    values = dict(headers)
    try:
        spec_version, type_, source, id_, time = _required(values)
    except KeyError:
        values = defaultdict(lambda: None, ((name.lower(), value) for name, value in headers))
        spec_version, type_, source, id_, time = _required(values)
    kind, origin = _read_kind(spec_version, type_, source)
    sequence = values.get("ce_sequence")
    return Envelope(_text(id_, "ce_id"), origin, kind, _read_time(time), None if sequence is None else _number(sequence))


@lru_cache(maxsize=1_024)
def _read_kind(spec_version: bytes | None, type_: bytes | None, source: bytes | None) -> tuple[str, str]:
    """Return type and source: there are few of each, and millions of records."""
    if _text(spec_version, "ce_specversion") != SPEC_VERSION:
        raise Unprocessable("specversion_unknown", "ce_specversion")
    name = _text(type_, "ce_type")
    if not (_TYPE.match(name) and name.startswith(TYPE_PREFIX)):
        raise Unprocessable("type_unknown", "ce_type")
    return name, _text(source, "ce_source")


def _text(value: bytes | None, field: str) -> str:
    if not value:
        raise Unprocessable("missing", field)
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unprocessable("not_utf8", field) from error
    if len(text) > MAX_ATTRIBUTE or "\x00" in text:
        raise Unprocessable("malformed", field)
    return text


@lru_cache(maxsize=1_024)
def _instant(broker_ms: int) -> datetime:
    """Return the broker's time of a record: a batch of records was taken in one millisecond."""
    return datetime.fromtimestamp(broker_ms / 1000, UTC)


@lru_cache(maxsize=1_024)
def _read_time(value: bytes | None) -> datetime:
    """Return the time of an event: what one transaction has said has one."""
    try:
        time = datetime.fromisoformat(_text(value, "ce_time"))
    except ValueError as error:
        raise Unprocessable("malformed", "ce_time") from error
    if time.tzinfo is None:
        raise Unprocessable("no_offset", "ce_time")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


@lru_cache(maxsize=1_024)
def _number(value: bytes) -> int:
    if not value.isdigit() or len(value) > MAX_DIGITS:
        raise Unprocessable("malformed", "ce_sequence")
    return int(value)


def _own_id(envelope: Envelope) -> UUID:
    try:
        return pgproto.UUID(envelope.id)
    except ValueError as error:
        raise Unprocessable("malformed", "ce_id") from error


def _read_body(model: type[Event], value: bytes | None) -> Event:
    if not value:
        raise Unprocessable("missing", "body")
    try:
        # Past the model's own method, which costs half as much again as the reading.
        event: Event = model.__pydantic_validator__.validate_json(value)
    except ValidationError as error:
        raise Unprocessable(*_first(error)) from None
    if b"\\u0000" in value:
        raise Unprocessable("nul_character", "body")
    return event


def _first(error: ValidationError) -> tuple[str, str]:
    """Return code and field of a model's first complaint; never the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if first["type"] == "json_invalid":
        return "not_json", "body"
    return f"schema_{first['type']}", ".".join(str(part) for part in first["loc"]) or "body"
