"""From a batch of records to their outcomes, in one transaction: position, state, outbox and flow ledger together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.clock import Clock
from shared.contracts.envelope import Event
from shared.messaging.isolation import apply_isolated, prepare_isolated
from shared.messaging.items import Item, Key, examine, waves
from shared.messaging.limits import Limits
from shared.messaging.outcomes import GAP, PARKED, REPEAT, DeadLetter, RetryLater
from shared.messaging.positions import Positions
from shared.messaging.records import KafkaRecord, Reader
from shared.messaging.routes import Subscription
from shared.messaging.shelf import Shelf
from shared.messaging.vault import Vault
from shared.storage import Database, Heard, Tx, load_queries, record_heard
from shared.telemetry import metrics

SQL = load_queries("shared.storage")

Prepared = Mapping[type[Event], Any]


class Pipeline:
    """One consumer's way of settling records. It knows positions and gates, and no Kafka client."""

    def __init__(
        self, subscription: Subscription, database: Database, *, clock: Clock, limits: Limits, vault: Vault | None
    ) -> None:
        self.subscription = subscription
        self.positions = Positions(subscription.group)
        self._database = database
        self._is_intake = subscription.topic.is_intake
        models = {model.TYPE: model for model in subscription.routes}
        self._reader = Reader(models, is_intake=self._is_intake, clock=clock)
        self._shelf = Shelf(subscription.group, limits, vault if self._is_intake else None)
        self._limits = limits

    async def process(self, records: Sequence[KafkaRecord]) -> None:
        """Settle a batch. Raises PositionMoved where somebody else has, and whatever concerns the whole batch."""
        items = [examine(record, self._reader) for record in records]
        prepared = await self._prepare(items)
        async with self._database.transaction() as tx:
            fresh = await self.positions.fence(tx, items)
            if fresh:
                gated = await self._shelf.lock_gates(tx, [item.lane for item in fresh])
                self._hold_back(fresh, gated)
                await self._decide(tx, fresh, prepared)
                await self._write(tx, fresh, gated)
            await self.positions.advance(tx, items)
        self.positions.moved(items)
        metrics.count_outcomes(self.subscription.group, fresh)

    async def release(self) -> bool:
        """Try what waits behind one due gate; return whether there was one."""
        async with self._database.transaction() as tx:
            claimed = await self._shelf.claim(tx, self._reader)
            if claimed is None:
                return False
            lane, attempts, items = claimed
            await self._decide(tx, items, await self._prepare(items))
            self._give_up(items, attempts)
            settled = [item for item in items if item.is_settled]
            await self._forget(tx, [item for item in items if not item.is_settled])
            await self._remember(tx, settled)
            await self._count(tx, [*[self._heard(item, "parked", -1) for item in settled], *map(self._heard, settled)])
            await self._shelf.settle_gate(tx, lane, items, may_hold=not self._is_intake)
        metrics.count_outcomes(self.subscription.group, settled)
        return True

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
            if seen_id not in fresh:
                item.outcome = REPEAT

    async def _check_sequence(self, tx: Tx, items: Sequence[Item]) -> None:
        """Recognise copies and gaps by the numbers that our topics carry per key."""
        open_ = [item for item in items if not isinstance(item.outcome, RetryLater)]
        if not open_:
            return
        topics, keys = zip(*{item.lane for item in open_}, strict=True)
        rows = await tx.fetch(SQL["find_heard"], self.subscription.group, topics, keys)
        last = {(row["topic"], row["key"]): row["sequence"] for row in rows}
        for item in open_:
            met = last.get(item.lane)
            if item.sequence is None:
                item.outcome = item.outcome or DeadLetter("missing", "ce_sequence")
            elif met is not None and item.sequence <= met:
                item.outcome = REPEAT
            elif met is not None and item.sequence > met + 1:
                item.outcome = GAP
            else:
                last[item.lane] = item.sequence

    async def _write(self, tx: Tx, items: Sequence[Item], gated: set[Key]) -> None:
        waiting = [item for item in items if isinstance(item.outcome, RetryLater)]
        if waiting:
            await self._shelf.park(tx, waiting, gated)
            await self._forget(tx, waiting)
        await self._remember(tx, [item for item in items if item.is_settled])
        await self._count(tx, map(self._heard, items))

    async def _remember(self, tx: Tx, settled: Sequence[Item]) -> None:
        """Write dead letters, and the last number met per key."""
        dead = [item for item in settled if isinstance(item.outcome, DeadLetter)]
        if dead:
            await self._shelf.bury(tx, dead)
        last: dict[Key, int] = {}
        for item in settled:
            if not self._is_intake and item.sequence is not None:
                last[item.lane] = max(item.sequence, last.get(item.lane, 0))
        if last:
            topics, keys = zip(*last, strict=True)
            await tx.execute(SQL["set_heard"], self.subscription.group, topics, keys, list(last.values()))

    async def _forget(self, tx: Tx, waiting: Sequence[Item]) -> None:
        """A waiting intake record is not seen yet: else its own release would look like a copy."""
        if self._is_intake and waiting:
            await tx.execute(SQL["remove_seen"], self.subscription.group, [item.seen_id for item in waiting if item.seen_id])

    def _give_up(self, items: Sequence[Item], attempts: int) -> None:
        """An intake record that failed too often becomes a dead letter; its followers are tried at the next release."""
        first = next((item for item in items if not item.is_settled), None)
        is_spent = self._limits.retry.delay(attempts + 1) is None
        if first is not None and first is items[0] and self._is_intake and is_spent and isinstance(first.outcome, RetryLater):
            first.outcome = DeadLetter(f"attempts_exhausted_{first.outcome.reason}")

    @staticmethod
    def _heard(item: Item, outcome: str | None = None, weight: int = 1) -> Heard:
        name = outcome or (item.outcome.name if item.outcome else "undecided")
        return Heard(item.record.topic, item.record.partition, item.minute_at, name, item.id, weight)

    async def _count(self, tx: Tx, events: Iterable[Heard]) -> None:
        await record_heard(tx, self.subscription.group, events)


def _by_model(items: Iterable[Item]) -> dict[type[Event], list[Item]]:
    groups: dict[type[Event], list[Item]] = defaultdict(list)
    for item in items:
        if item.received is not None:
            groups[type(item.received.event)].append(item)
    return groups
