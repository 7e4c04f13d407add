"""What is set aside: keys at gates, records behind them, and dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.envelope import derive_id
from shared.errors import RintisError
from shared.messaging.items import Item, Key, examine
from shared.messaging.limits import Limits
from shared.messaging.outcomes import DeadLetter, RetryLater
from shared.messaging.records import Reader, StoredRecord, dump
from shared.messaging.vault import Vault
from shared.storage import Tx, load_queries

SQL = load_queries("shared.storage")


class GatesFull(RintisError):
    """More keys wait than may: the fault is ours, and the consumer stops until it is mended."""


class Shelf:
    """The gates, parked records and dead letters of one consumer."""

    def __init__(self, consumer: str, limits: Limits, vault: Vault | None) -> None:
        self._consumer = consumer
        self._limits = limits
        self._vault = vault

    async def lock_gates(self, tx: Tx, lanes: Sequence[Key]) -> set[Key]:
        """Return which of the keys have to wait, and keep their gates from being released meanwhile."""
        topics, keys = zip(*sorted(set(lanes)), strict=True)
        rows = await tx.fetch(SQL["lock_gates"], self._consumer, topics, keys)
        return {(row["topic"], row["key"]) for row in rows}

    async def park(self, tx: Tx, items: Sequence[Item], gated: set[Key]) -> None:
        """Open a gate for each key that has none and put the records behind it. Raises GatesFull."""
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
        if await tx.fetchval(SQL["count_gates"], self._consumer) + len(first) > self._limits.gates:
            raise GatesFull
        topics, keys = zip(*first, strict=True)
        dues = [now + timedelta(seconds=self._limits.retry.delay(1) or 0.0) for _ in first]
        await tx.execute(
            SQL["open_gates"], self._consumer, topics, keys, dues, [outcome.reason for outcome in first.values()], now
        )

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

    async def claim(self, tx: Tx, reader: Reader) -> tuple[Key, int, list[Item]] | None:
        """Take a gate whose time has come, with what waits behind it, oldest first."""
        gate = await tx.fetchrow(SQL["claim_gate"], self._consumer, datetime.now(UTC))
        if gate is None:
            return None
        lane = (gate["topic"], gate["key"])
        rows = await tx.fetch(SQL["find_parked"], self._consumer, *lane, self._limits.release_records)
        items: list[Item] = []
        for row in rows:
            data = row["record"]
            if row["sealed_under"] is not None and self._vault is not None:
                data = await self._vault.open(row["sealed_under"], data)
            place = {
                "topic": lane[0],
                "partition": row["partition"],
                "offset": row["record_offset"],
                "timestamp": row["broker_ms"],
            }
            item = examine(StoredRecord.load(data, **place), reader)
            item.seq, item.attempts = row["seq"], gate["attempts"] + 1
            items.append(item)
        return lane, gate["attempts"], items

    async def settle_gate(self, tx: Tx, lane: Key, items: Sequence[Item], *, may_hold: bool) -> None:
        """Remove what was settled; close the gate when nothing waits, else set its next time or hold it."""
        settled = [item.seq for item in items if item.is_settled]
        await tx.execute(SQL["remove_parked"], self._consumer, *lane, settled)
        waiting = next((item.outcome for item in items if isinstance(item.outcome, RetryLater)), None)
        if waiting is None:
            if not await tx.fetchval(SQL["has_parked"], self._consumer, *lane):
                await tx.execute(SQL["close_gate"], self._consumer, *lane)
            return
        delay = self._limits.retry.delay(1 if settled else items[0].attempts)
        is_held = delay is None and may_hold
        due = datetime.now(UTC) + timedelta(seconds=self._limits.retry.longest_seconds if delay is None else delay)
        await tx.execute(SQL["delay_gate"], self._consumer, *lane, due, waiting.reason, is_held)
