"""One record of a batch on its way to its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from shared.contracts.envelope import Event, derive_id
from shared.errors import Unprocessable
from shared.messaging.outcomes import IGNORED, DeadLetter, Outcome, RetryLater
from shared.messaging.records import KafkaRecord, Reader, Received, UnknownVersion, key_of

Key = tuple[str, str]
"""A topic and a key: what order is kept for, and what a gate stops."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """What a record from among the dead letters brings with it: how the ledger counted it, whether its mark in `seen` is its own."""

    letter: UUID
    id: UUID
    minute_at: datetime
    is_marked: bool


@dataclass(slots=True)
class Item:
    """A record, what was read of it, and what became of it."""

    record: KafkaRecord
    key: str
    id: UUID
    minute_at: datetime
    received: Received[Event] | None = None
    sequence: int | None = None
    outcome: Outcome | None = None
    attempts: int = 1
    seq: int | None = None
    """Number of the row that it waited in, for a record that comes from behind a gate."""
    has_new_mark: bool = False
    """Whether the mark by which copies of this record are recognised was made for it, in this transaction."""
    redriven: Redriven | None = None
    """Set for a record that an operator has put back."""
    lane: Key = field(init=False)
    """What this record's order is kept by."""
    partition: tuple[str, int] = field(init=False)
    """Where this record was read: topic and number."""

    def __post_init__(self) -> None:
        """Make lane and partition once: a batch asks for them a dozen times per record."""
        topic = self.record.topic
        self.lane = topic, self.key
        self.partition = topic, self.record.partition

    @property
    def is_settled(self) -> bool:
        """Whether the record is done with: it does not wait."""
        return self.outcome is not None and not isinstance(self.outcome, RetryLater)

    @property
    def is_marked(self) -> bool:
        """Whether a copy of this record would be recognised by the mark that this record left itself."""
        return self.received is not None or (self.redriven is not None and self.redriven.is_marked)

    @property
    def seen_id(self) -> UUID | None:
        """Return what a copy of an intake event is recognised by; None for one whose mark is its own: it is no copy of itself."""
        is_marked = self.redriven is not None and self.redriven.is_marked
        return None if self.received is None or is_marked else self.received.mark


def examine(record: KafkaRecord, reader: Reader) -> Item:
    """Read one record; what breaks the contract has its outcome already."""
    try:
        id_, key, envelope, minute_at, received, is_newer_version = reader.read(record)
    except Unprocessable as error:
        item = _unread(record)
        item.outcome = DeadLetter(error.reason, error.field)
        # Without a key that can be trusted its number belongs to nobody: it must use up no other key's.
        item.sequence = None if error.field == "key" else reader.sequence_of(record)
        return item
    item = Item(record, key, id_, minute_at, received, envelope.sequence)
    if is_newer_version:
        item.outcome = RetryLater(UnknownVersion.__name__)
    elif received is None:
        item.outcome = IGNORED
    return item


def possible_ids(record: KafkaRecord, reader: Reader) -> frozenset[UUID]:
    """Return the ids that a record may have been settled under: its own, and the one of a record that could not be read.

    Another version of this code may read what this one cannot, and the other way round.
    """
    own = reader.id_of(record)
    return frozenset({_unread(record).id} if own is None else {_unread(record).id, own})


def _unread(record: KafkaRecord) -> Item:
    key = key_of(record)
    broker_at = datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC)
    return Item(record, key, derive_id(f"{record.topic}-{record.partition}-{record.offset}", "record", at=broker_at), broker_at)


def waves(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield the items so that each wave holds a key once and a key's items come in order."""
    rest = list(items)
    while rest:
        met: set[Key] = set()
        wave: list[Item] = []
        later: list[Item] = []
        for item in rest:
            (later if item.lane in met else wave).append(item)
            met.add(item.lane)
        yield wave
        rest = later
