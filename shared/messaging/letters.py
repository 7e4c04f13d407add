"""Dead letters on their way back: behind their keys' gates, and from there to an outcome that is written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from shared.errors import Unprocessable
from shared.messaging.items import Item, Key
from shared.messaging.outcomes import REPEAT, DeadLetter, Superseded
from shared.messaging.records import StoredRecord, key_of
from shared.messaging.shelf import Gate, Shelf
from shared.messaging.vault import Vault
from shared.storage import Heard, Tx, load_queries, record_heard

SQL = load_queries("shared.storage", "letters.sql")

FIXED, FAILED, SUPERSEDED, WAIVED, CANCELLED, READ = "fixed", "failed", "superseded", "waived", "cancelled", "read"


class Ending(NamedTuple):
    """What became of one entry of an operator's action."""

    entry: UUID
    outcome: str
    reason: str


class Letters:
    """The dead letters of one consumer."""

    def __init__(self, consumer: str, vault: Vault | None) -> None:
        self._consumer = consumer
        self._vault = vault

    async def put_back(self, tx: Tx, shelf: Shelf, letters: Sequence[Any]) -> None:
        """Put dead letters back behind their keys' gates, in their order.

        The topics' positions are locked first: a batch in hand ends before, and every later one finds the gates. Whatever
        is newer of these keys is so either settled, and known to be, or waits behind what was put back.
        """
        lanes, unreadable = await self._find_lanes(letters)
        good = [letter for letter in letters if letter["id"] in lanes]
        await tx.execute(SQL["lock_topics"], self._consumer, sorted({letter["topic"] for letter in good}))
        await shelf.reopen(tx, lanes.values())
        ids = [letter["id"] for letter in good]
        await tx.execute(SQL["park_letters"], ids, [lanes[id_][1] for id_ in ids], datetime.now(UTC))
        await tx.execute(SQL["mark_redriving"], ids)
        await record_heard(tx, self._consumer, [heard for letter in good for heard in _moved(letter)])
        await tx.execute(SQL["reopen_letters"], *_columns_of_unreadable(unreadable))
        await end_entries(tx, [Ending(letter["id"], FAILED, error.reason) for letter, error in unreadable])

    async def settle(self, tx: Tx, items: Sequence[Item]) -> None:
        """Write down what became of letters that were tried again; those that failed are on the list again."""
        if not items:
            return
        failed = [item for item in items if isinstance(item.outcome, DeadLetter)]
        if failed:
            await tx.execute(SQL["reopen_letters"], *_columns_of_failed(failed))
        endings = [ending_of(item) for item in items]
        closed = [ending for ending in endings if ending.outcome != FAILED]
        if closed:
            states = [ending.outcome for ending in closed]
            await tx.execute(SQL["close_letters"], [ending.entry for ending in closed], states, datetime.now(UTC))
        await end_entries(tx, endings)

    async def note_gate(self, tx: Tx, gate: Gate, items: Sequence[Item], *, is_held: bool) -> None:
        """Write down what became of a held key that an operator let go on: what its first own record came to."""
        first = next((item for item in items if item.redriven is None), None)
        if gate.action is None or first is None:
            return
        if first.is_settled:
            await end_entries(tx, [ending_of(first)._replace(entry=gate.id)])
        elif is_held and first.outcome is not None:
            await end_entries(tx, [Ending(gate.id, FAILED, getattr(first.outcome, "reason", ""))])

    async def waive(self, tx: Tx, items: Sequence[Item]) -> None:
        """Close the letters that the first records of waived keys have become."""
        for item in items:
            place = (item.record.topic, item.record.partition, item.record.offset)
            await tx.execute(SQL["waive_place"], self._consumer, *place, datetime.now(UTC))

    async def read(self, letter: Any) -> StoredRecord:
        """Return a letter's record. Raises Unprocessable where nobody can read it any more."""
        data = letter["record"]
        if letter["sealed_under"] is not None:
            if self._vault is None:
                raise Unprocessable("vault_closed", "record")
            data = await self._vault.open(letter["sealed_under"], data)
        place = {"topic": letter["topic"], "partition": letter["partition"], "offset": letter["record_offset"]}
        return StoredRecord.load(data, **place, timestamp=letter["broker_ms"])

    async def _find_lanes(self, letters: Sequence[Any]) -> tuple[dict[UUID, Key], list[tuple[Any, Unprocessable]]]:
        """Return each letter's key; that of an intake record is read from the sealed record."""
        lanes: dict[UUID, Key] = {}
        unreadable: list[tuple[Any, Unprocessable]] = []
        for letter in letters:
            try:
                key = letter["key"] if letter["key"] is not None else key_of(await self.read(letter))
            except Unprocessable as error:
                unreadable.append((letter, error))
            else:
                lanes[letter["id"]] = (letter["topic"], key)
        return lanes, unreadable


async def end_entries(tx: Tx, endings: Sequence[Ending]) -> None:
    """Write down what became of entries, for the action that began them."""
    if endings:
        entries, outcomes, reasons = zip(*endings, strict=True)
        await tx.execute(SQL["end_entries"], entries, outcomes, reasons, datetime.now(UTC))


def ending_of(item: Item) -> Ending:
    """Return what a record that was tried again came to."""
    entry = item.redriven.letter if item.redriven else item.id
    if isinstance(item.outcome, DeadLetter):
        return Ending(entry, FAILED, item.outcome.reason)
    if isinstance(item.outcome, Superseded):
        return Ending(entry, SUPERSEDED, "newer_truth")
    if item.outcome == REPEAT:
        return Ending(entry, SUPERSEDED, "handled_by_a_copy")
    return Ending(entry, FIXED, item.outcome.name if item.outcome else "")


def _moved(letter: Any) -> list[Heard]:
    """Return what tells the ledger that a dead letter waits now."""
    at = letter["counted_at"] or datetime.fromtimestamp(letter["broker_ms"] / 1000, UTC)
    place = (letter["topic"], letter["partition"], at)
    id_ = letter["event_id"] or letter["id"]
    return [Heard(*place, "dead", id_, -1), Heard(*place, "parked", id_)]


def _columns_of_failed(items: Sequence[Item]) -> list[list[Any]]:
    outcomes = [item.outcome for item in items if isinstance(item.outcome, DeadLetter)]
    return [
        [item.redriven.letter for item in items if item.redriven],
        [outcome.reason for outcome in outcomes],
        [outcome.field for outcome in outcomes],
        [item.id for item in items],
        [item.received.envelope.type if item.received else None for item in items],
        [item.minute_at for item in items],
        [item.is_marked for item in items],
    ]


def _columns_of_unreadable(letters: Sequence[tuple[Any, Unprocessable]]) -> list[list[Any]]:
    return [
        [letter["id"] for letter, _ in letters],
        [error.reason for _, error in letters],
        [error.field for _, error in letters],
        [letter["event_id"] for letter, _ in letters],
        [letter["event_type"] for letter, _ in letters],
        [letter["counted_at"] for letter, _ in letters],
        [letter["is_marked"] for letter, _ in letters],
    ]
