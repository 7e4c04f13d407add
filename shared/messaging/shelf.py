"""What is set aside: keys at gates, records behind them, and dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.envelope import derive_id
from shared.errors import Unprocessable
from shared.messaging.fuse import GATES, Blown
from shared.messaging.items import Item, Key, Redriven, examine
from shared.messaging.limits import Limits
from shared.messaging.outcomes import DeadLetter, RetryLater
from shared.messaging.records import Reader, StoredRecord, dump
from shared.messaging.vault import Vault
from shared.storage import Database, Tx, load_queries

SQL = load_queries("shared.storage")
LETTERS = load_queries("shared.storage", "letters.sql")


@dataclass(frozen=True, slots=True)
class Gate:
    """A key that waits, and the operator action that let it be tried again, if one did."""

    id: UUID
    lane: Key
    attempts: int
    action: UUID | None


class Shelf:
    """The gates, parked records and dead letters of one consumer."""

    def __init__(self, consumer: str, limits: Limits, vault: Vault | None) -> None:
        self._consumer = consumer
        self._limits = limits
        self._vault = vault

    async def park(self, tx: Tx, items: Sequence[Item], gated: set[Key]) -> None:
        """Open a gate for each key that has none and put the records behind it. Raises Blown."""
        now = datetime.now(UTC)
        first: dict[Key, RetryLater] = {}
        for item in items:
            if item.lane not in gated and isinstance(item.outcome, RetryLater):
                first.setdefault(item.lane, item.outcome)
        if first:
            await self._open_gates(tx, first, now)
        kept = await self._keep(items)
        columns = [
            [item.record.topic for item in items],
            [item.key for item in items],
            [item.record.partition for item in items],
            [item.record.offset for item in items],
            [item.sequence for item in items],
            [item.record.timestamp for item in items],
            [record for record, _ in kept],
            [subject for _, subject in kept],
        ]
        await tx.execute(SQL["park_records"], self._consumer, *columns, now)

    async def _open_gates(self, tx: Tx, first: dict[Key, RetryLater], now: datetime) -> None:
        topics, keys = zip(*first, strict=True)
        waiting = Counter(topics) + Counter(await self.count_gates(tx, set(topics)))
        for topic, count in waiting.items():
            if count > self._limits.gates:
                raise Blown(topic, GATES, records=count, set_aside=count)
        dues = [now + timedelta(seconds=self._limits.retry.delay(1) or 0.0) for _ in first]
        await tx.execute(
            SQL["open_gates"], self._consumer, topics, keys, dues, [outcome.reason for outcome in first.values()], now
        )

    async def count_gates(self, tx: Tx, topics: Collection[str]) -> dict[str, int]:
        """Return how many keys of each topic wait; topics without any are left out."""
        return {row["topic"]: row["keys"] for row in await tx.fetch(SQL["count_gates"], self._consumer, list(topics))}

    async def bury(self, tx: Tx, items: Sequence[Item]) -> None:
        """Write dead letters: our ids, a reason code and the place, and the record itself."""
        kept = await self._keep(items)
        outcomes = [item.outcome for item in items if isinstance(item.outcome, DeadLetter)]
        columns = [
            [self._dead_id(item) for item in items],
            [item.record.topic for item in items],
            [item.record.partition for item in items],
            [item.record.offset for item in items],
            [item.id for item in items],
            [item.received.envelope.type if item.received else None for item in items],
            [outcome.reason for outcome in outcomes],
            [outcome.field for outcome in outcomes],
            [item.attempts for item in items],
            [item.record.timestamp for item in items],
            [record for record, _ in kept],
            [subject for _, subject in kept],
            # A key of intake is whatever its publisher says: it rests in the sealed record only.
            [None if self._vault else item.key for item in items],
            [item.sequence for item in items],
            [item.minute_at for item in items],
            [item.is_marked for item in items],
        ]
        await tx.execute(SQL["add_dead_letters"], self._consumer, *columns, datetime.now(UTC))

    def _dead_id(self, item: Item) -> UUID:
        place = f"{self._consumer}-{item.record.topic}-{item.record.partition}-{item.record.offset}"
        return derive_id(place, "dead_letter", at=item.minute_at)

    async def _keep(self, items: Sequence[Item]) -> list[tuple[bytes, UUID | None]]:
        """Return the records as they may rest: those of the intake sealed under a key that expires."""
        records = [dump(item.record) for item in items]
        if self._vault is None:
            return [(record, None) for record in records]
        return await self._vault.seal(records)

    async def is_due(self, database: Database) -> bool:
        """Return whether the time of any gate has come: one round trip, where there is mostly nothing to claim."""
        async with database.connection() as connection:
            return bool(await connection.fetchval(SQL["has_due_gate"], self._consumer, datetime.now(UTC)))

    async def claim(self, tx: Tx, reader: Reader, stopped: Collection[str]) -> tuple[Gate, list[Item]] | None:
        """Take a gate whose time has come, with what waits behind it, oldest first; none of a topic that has stopped."""
        row = await tx.fetchrow(SQL["claim_gate"], self._consumer, datetime.now(UTC), list(stopped))
        if row is None:
            return None
        gate = Gate(row["id"], (row["topic"], row["key"]), row["attempts"], row["action"])
        return gate, await self.load(tx, reader, gate, self._limits.release_records)

    async def load(self, tx: Tx, reader: Reader, gate: Gate, most: int) -> list[Item]:
        """Return the oldest records behind a gate."""
        rows = await tx.fetch(SQL["find_parked"], self._consumer, *gate.lane, most)
        return [await self._unpark(row, reader, gate) for row in rows]

    async def _unpark(self, row: Any, reader: Reader, gate: Gate) -> Item:
        place = {
            "topic": gate.lane[0],
            "partition": row["partition"],
            "offset": row["record_offset"],
            "timestamp": row["broker_ms"],
        }
        try:
            data = row["record"]
            if row["sealed_under"] is not None and self._vault is not None:
                data = await self._vault.open(row["sealed_under"], data)
            item = examine(StoredRecord.load(data, **place), reader)
        except Unprocessable as error:
            # Its key has expired: nobody will ever read it, and it must not hold up what waits behind it.
            item = examine(StoredRecord(**place, key=gate.lane[1].encode(), value=None, headers=()), reader)
            item.outcome, item.sequence = DeadLetter(error.reason, error.field), row["sequence"]
        item.seq, item.attempts = row["seq"], gate.attempts + 1
        if row["letter"] is not None:
            counted = (row["dead_id"] or item.id, row["counted_at"] or item.minute_at)
            item.redriven = Redriven(row["letter"], *counted, is_marked=row["is_marked"])
            item.received = item.received and replace(item.received, is_redriven=True)
        return item

    async def reopen(self, tx: Tx, lanes: Collection[Key]) -> None:
        """Let keys be tried now and from the start; one that has no gate gets one. Held keys are held no more."""
        if lanes:
            topics, keys = zip(*sorted(set(lanes)), strict=True)
            await tx.execute(LETTERS["put_back"], self._consumer, topics, keys, datetime.now(UTC))

    async def settle_gate(self, tx: Tx, gate: Gate, items: Sequence[Item], *, may_hold: bool) -> bool:
        """Remove what was settled; close the gate when nothing waits, else set its next time or hold it.

        Returns whether the key waits for an operator now.
        """
        settled = [item.seq for item in items if item.is_settled]
        await tx.execute(SQL["remove_parked"], self._consumer, *gate.lane, settled)
        waiting = next((item.outcome for item in items if isinstance(item.outcome, RetryLater)), None)
        if waiting is None:
            if not await tx.fetchval(SQL["has_parked"], self._consumer, *gate.lane):
                await tx.execute(SQL["close_gate"], self._consumer, *gate.lane)
            return False
        # The record that is first now has failed once, however long those before it took.
        attempts = 1 if items[0].is_settled else gate.attempts + 1
        delay = self._limits.retry.delay(attempts)
        is_held = delay is None and may_hold
        due = datetime.now(UTC) + timedelta(seconds=self._limits.retry.longest_seconds if delay is None else delay)
        await tx.execute(SQL["delay_gate"], self._consumer, *gate.lane, due, waiting.reason, is_held, attempts)
        return is_held
