"""From a batch of records to their outcomes, in one transaction: position, state, outbox and flow ledger together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.clock import Clock
from shared.contracts.envelope import Event
from shared.messaging.fuse import Fuse
from shared.messaging.isolation import apply_isolated, prepare_isolated
from shared.messaging.items import Item, Key, examine, possible_ids, waves
from shared.messaging.letters import Letters
from shared.messaging.limits import Limits
from shared.messaging.outcomes import GAP, IGNORED, PARKED, REPEAT, SUPERSEDED, DeadLetter, Handled, RetryLater
from shared.messaging.positions import Positions
from shared.messaging.records import KafkaRecord, Reader
from shared.messaging.routes import Subscription
from shared.messaging.shelf import Gate, Shelf
from shared.messaging.vault import Vault
from shared.storage import Database, Heard, Tx, load_queries, record_heard
from shared.telemetry import metrics

SQL = load_queries("shared.storage")
LETTERS = load_queries("shared.storage", "letters.sql")

Prepared = Mapping[type[Event], Any]


class Pipeline:
    """One consumer's way of settling records. It knows positions and gates, and no Kafka client."""

    def __init__(
        self, subscription: Subscription, database: Database, *, clock: Clock, limits: Limits, vault: Vault | None
    ) -> None:
        self.subscription = subscription
        self.positions = Positions(subscription.group)
        self.database = database
        self._is_intake = subscription.topic.is_intake
        models = {model.TYPE: model for model in subscription.routes}
        self._reader = Reader(models, is_intake=self._is_intake, clock=clock)
        self.shelf = Shelf(subscription.group, limits, vault if self._is_intake else None)
        self.letters = Letters(subscription.group, vault if self._is_intake else None)
        self.fuse = Fuse(limits, is_intake=self._is_intake)
        self.stopped: set[str] = set()
        """Topics whose records stay where they are, those behind gates too."""
        self._limits = limits

    async def process(self, records: Sequence[KafkaRecord]) -> None:
        """Settle a batch. Raises Fatal where positions do not fit, and whatever concerns the whole batch."""
        items = [examine(record, self._reader) for record in records]
        prepared = await self._prepare(items)
        async with self.database.transaction() as tx:
            fresh = await self.positions.fence(tx, items)
            if fresh:
                gated = await self.shelf.lock_gates(tx, [item.lane for item in fresh])
                self._hold_back(fresh, gated)
                await self._decide(tx, fresh, prepared)
                self.fuse.check(fresh)
                await self._write(tx, fresh, gated)
            await self.positions.advance(tx, items)
        self.positions.moved(items)
        self._note(fresh)

    def ids_of(self, record: KafkaRecord) -> frozenset[UUID]:
        """Return the ids that a record may have been settled under."""
        return possible_ids(record, self._reader)

    async def release(self) -> bool:
        """Try what waits behind one due gate; return whether there was one."""
        if not await self.shelf.is_due(self.database):
            return False
        async with self.database.transaction() as tx:
            claimed = await self.shelf.claim(tx, self._reader, self.stopped)
            if claimed is None:
                return False
            gate, items = claimed
            await self._decide(tx, items, await self._prepare(items))
            self._give_up(items, gate.attempts)
            settled = [item for item in items if item.is_settled]
            self.fuse.check(settled)
            await self._forget(tx, [item for item in items if not item.is_settled])
            await self._settle(tx, settled)
            is_held = await self.shelf.settle_gate(tx, gate, items, may_hold=not self._is_intake)
            await self.letters.note_gate(tx, gate, items, is_held=is_held)
        self._note(settled)
        return True

    async def waive(self, tx: Tx, gate_id: UUID) -> bool:
        """Give up the first record behind a held key, so that those behind it go on; return whether the key was held."""
        row = await tx.fetchrow(LETTERS["find_by_gate"], gate_id)
        if row is None:
            return False
        gate = Gate(row["id"], (row["topic"], row["key"]), row["attempts"], row["action"])
        items = await self.shelf.load(tx, self._reader, gate, 1)
        for item in items:
            item.outcome = DeadLetter("waived", "gate")
        await self._settle(tx, items)
        await self.letters.waive(tx, items)
        await self.shelf.settle_gate(tx, gate, items, may_hold=False)
        await self.shelf.reopen(tx, [gate.lane])
        return True

    async def _settle(self, tx: Tx, settled: Sequence[Item]) -> None:
        """Write what became of records that waited; the ledger takes back that they were waiting."""
        await self._remember(tx, settled)
        await self._count(tx, [*map(self._parked, settled), *map(self._heard, settled)])

    def _note(self, items: Sequence[Item]) -> None:
        metrics.count_outcomes(self.subscription.group, items)
        self.fuse.note(self.subscription.group, items)

    async def _prepare(self, items: Sequence[Item]) -> Prepared:
        prepared: dict[type[Event], Any] = {}
        for model, group in _by_model(item for item in items if item.outcome is None).items():
            prepared[model] = await prepare_isolated(self.subscription.routes[model], group)
        return prepared

    @staticmethod
    def _hold_back(items: Sequence[Item], gated: set[Key]) -> None:
        """Followers of a blocked key wait behind it; what breaks the contract never does."""
        for item in items:
            if item.lane in gated and not isinstance(item.outcome, DeadLetter):
                item.outcome = PARKED

    async def _decide(self, tx: Tx, items: Sequence[Item], prepared: Prepared) -> None:
        await (self._drop_seen(tx, items) if self._is_intake else self._check_sequence(tx, items))
        blocked: set[Key] = set()
        for wave in waves(items):
            for item in wave:
                if item.lane in blocked and not isinstance(item.outcome, DeadLetter):
                    item.outcome = PARKED
            for model, group in _by_model(item for item in wave if item.outcome is None).items():
                await apply_isolated(tx, self.subscription.routes[model], group, prepared.get(model))
            blocked |= {item.lane for item in wave if isinstance(item.outcome, RetryLater)}

    async def _drop_seen(self, tx: Tx, items: Sequence[Item]) -> None:
        """Recognise copies by (source, id), within the batch and against all that came before."""
        candidates: dict[UUID, Item] = {}
        for item in items:
            if item.outcome is None and item.seen_id is not None and candidates.setdefault(item.seen_id, item) is not item:
                item.outcome = REPEAT
        if not candidates:
            return
        now = max(item.minute_at for item in items)
        fresh = {row["id"] for row in await tx.fetch(SQL["add_seen"], self.subscription.group, list(candidates), now)}
        for seen_id, item in candidates.items():
            item.has_new_mark = seen_id in fresh
            if not item.has_new_mark:
                item.outcome = REPEAT

    async def _check_sequence(self, tx: Tx, items: Sequence[Item]) -> None:
        """Recognise copies and gaps by the numbers that our topics carry per key."""
        open_ = [item for item in items if not isinstance(item.outcome, RetryLater)]
        if not open_:
            return
        topics, keys = zip(*{item.lane for item in open_}, strict=True)
        rows = await tx.fetch(SQL["find_heard"], self.subscription.group, topics, keys)
        last = {(row["topic"], row["key"]): row["sequence"] for row in rows}
        applied = {(row["topic"], row["key"]): row["applied"] for row in rows}
        for item in open_:
            met = last.get(item.lane)
            if item.sequence is None:
                item.outcome = item.outcome or DeadLetter("missing", "ce_sequence")
            elif item.redriven is not None:
                self._check_truth(item, applied.get(item.lane))
            elif met is not None and item.sequence <= met:
                item.outcome = REPEAT
            elif met is not None and item.sequence > met + 1:
                item.outcome = GAP
            else:
                last[item.lane] = item.sequence

    def _check_truth(self, item: Item, applied: int | None) -> None:
        """Judge a record that was put back: its number was met when it died, so it is no repeat for that.

        Where a newer event of the key has had its effect and the topic tells the newest truth, the old one is superseded.
        """
        is_old = applied is not None and item.sequence is not None and item.sequence < applied
        if item.outcome is None and is_old and self.subscription.topic.is_newest_truth:
            item.outcome = SUPERSEDED

    async def _write(self, tx: Tx, items: Sequence[Item], gated: set[Key]) -> None:
        waiting = [item for item in items if isinstance(item.outcome, RetryLater)]
        if waiting:
            await self.shelf.park(tx, waiting, gated)
            await self._forget(tx, waiting)
        await self._remember(tx, [item for item in items if item.is_settled])
        await self._count(tx, map(self._heard, items))

    async def _remember(self, tx: Tx, settled: Sequence[Item]) -> None:
        """Write dead letters, and the last number met per key and the last that had an effect."""
        dead = [item for item in settled if isinstance(item.outcome, DeadLetter) and item.redriven is None]
        if dead:
            await self.shelf.bury(tx, dead)
        await self.letters.settle(tx, [item for item in settled if item.redriven is not None])
        if self._is_intake:
            return
        last = _last_numbers(settled)
        applied = _last_numbers(item for item in settled if _has_effect(item))
        if last:
            topics, keys = zip(*last, strict=True)
            effects = [applied.get(lane) for lane in last]
            await tx.execute(SQL["set_heard"], self.subscription.group, topics, keys, list(last.values()), effects)

    async def _forget(self, tx: Tx, waiting: Sequence[Item]) -> None:
        """A waiting intake record is not seen yet: else its own release would look like a copy.

        A copy that waits behind its key's gate leaves the mark alone that its original has left.
        """
        marks = [item.seen_id for item in waiting if item.has_new_mark]
        if self._is_intake and marks:
            await tx.execute(SQL["remove_seen"], self.subscription.group, marks)

    def _give_up(self, items: Sequence[Item], attempts: int) -> None:
        """A record of intake, or one put back, that failed too often becomes a dead letter; its followers are tried next time."""
        if not items:
            return
        first = items[0]
        may_die = self._is_intake or first.redriven is not None
        is_spent = self._limits.retry.delay(attempts + 1) is None
        if may_die and is_spent and isinstance(first.outcome, RetryLater):
            first.outcome = DeadLetter(f"attempts_exhausted_{first.outcome.reason}")

    @staticmethod
    def _heard(item: Item) -> Heard:
        name = item.outcome.name if item.outcome else "undecided"
        return Heard(item.record.topic, item.record.partition, item.minute_at, name, item.id)

    @staticmethod
    def _parked(item: Item) -> Heard:
        """Return what takes back that a record waits: under the id and minute by which the ledger knows it."""
        id_, minute_at = (item.redriven.id, item.redriven.minute_at) if item.redriven else (item.id, item.minute_at)
        return Heard(item.record.topic, item.record.partition, minute_at, "parked", id_, -1)

    async def _count(self, tx: Tx, events: Iterable[Heard]) -> None:
        await record_heard(tx, self.subscription.group, events)


def _by_model(items: Iterable[Item]) -> dict[type[Event], list[Item]]:
    groups: dict[type[Event], list[Item]] = defaultdict(list)
    for item in items:
        if item.received is not None:
            groups[type(item.received.event)].append(item)
    return groups


def _last_numbers(items: Iterable[Item]) -> dict[Key, int]:
    last: dict[Key, int] = {}
    for item in items:
        if item.sequence is not None:
            last[item.lane] = max(item.sequence, last.get(item.lane, 0))
    return last


def _has_effect(item: Item) -> bool:
    return isinstance(item.outcome, Handled) and item.outcome not in (REPEAT, IGNORED)
