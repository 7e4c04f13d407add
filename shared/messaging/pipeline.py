"""From a batch of records to their outcomes, in one transaction: position, state, outbox and flow ledger together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.clock import Clock
from shared.messaging.frame import Closing, Numbers, Opened, close_batches, find_numbers, last_numbers, open_batch
from shared.messaging.fuse import Blown, Fuse
from shared.messaging.isolation import Apply, apply_isolated, apply_whole, prepare_isolated
from shared.messaging.items import Item, Key, examine, possible_ids, waves
from shared.messaging.letters import Letters
from shared.messaging.limits import Limits
from shared.messaging.outcomes import GAP, PARKED, REPEAT, SUPERSEDED, DeadLetter, RetryLater
from shared.messaging.positions import Positions, ends_of
from shared.messaging.records import KafkaRecord, Reader
from shared.messaging.retry import concerns_batch
from shared.messaging.routes import Route, Subscription
from shared.messaging.shelf import Gate, Shelf
from shared.messaging.vault import Vault
from shared.storage import Database, Heard, Tx, load_queries
from shared.telemetry import metrics

SQL = load_queries("shared.storage")
LETTERS = load_queries("shared.storage", "letters.sql")

Prepared = Mapping[int, Any]
"""What routes have prepared, by their identity."""


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
        """Settle a batch. Raises Fatal where positions do not fit, and whatever concerns the whole batch.

        It is applied as a whole. Where something of it cannot be, nothing was written: it is settled once more, and taken apart.
        """
        try:
            await self._settle_batch(records, apply_whole)
        except Exception as error:
            if concerns_batch(error) or isinstance(error, Blown):
                raise
            await self._settle_batch(records, apply_isolated)

    async def _settle_batch(self, records: Sequence[KafkaRecord], apply: Apply) -> None:
        items = self.examine(records)
        prepared = await self._prepare(items)
        async with self.database.transaction() as tx:
            opened = await open_batch(tx, self.positions, items)
            if opened.fresh:
                self._hold_back(opened.fresh, opened.gated)
                await self._decide(tx, opened.fresh, prepared, opened.numbers, apply)
            closing = await self.conclude(tx, items, opened)
            await close_batches(tx, [closing])
        self.moved(closing, opened)

    def examine(self, records: Sequence[KafkaRecord]) -> list[Item]:
        """Read records; what breaks the contract has its outcome already."""
        return [examine(record, self._reader) for record in records]

    def judge(self, opened: Opened) -> None:
        """Give copies, gaps and what waits behind a gate their outcome; only of our own topics."""
        self._hold_back(opened.fresh, opened.gated)
        self._check_sequence(opened.fresh, opened.numbers)

    async def conclude(self, tx: Tx, items: Sequence[Item], opened: Opened) -> Closing:
        """Write what waits and what is dead; return what is to be remembered of the batch. Raises Blown."""
        numbers, counted = dict[Key, Numbers](), list[Heard]()
        if opened.fresh:
            self.fuse.check(opened.fresh)
            numbers = await self._write(tx, opened.fresh, opened.gated)
            counted = [self._heard(item) for item in opened.fresh]
        return Closing(self.positions.consumer, numbers, counted, ends_of(items))

    def moved(self, closing: Closing, opened: Opened) -> None:
        """Remember what was committed."""
        self.positions.moved(closing.ends)
        self._note(opened.fresh)

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
            numbers = {} if self._is_intake else await find_numbers(tx, self.positions.consumer, {gate.lane})
            await self._decide(tx, items, await self._prepare(items), numbers, apply_isolated)
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
        numbers = await self._remember(tx, settled)
        counted = [*map(self._parked, settled), *map(self._heard, settled)]
        await close_batches(tx, [Closing(self.positions.consumer, numbers, counted, {})])

    def _note(self, items: Sequence[Item]) -> None:
        metrics.count_outcomes(self.subscription.group, items)
        self.fuse.note(self.subscription.group, items)

    async def _prepare(self, items: Sequence[Item]) -> Prepared:
        groups = self.by_route(item for item in items if item.outcome is None)
        return {id(route): await prepare_isolated(route, group) for route, group in groups}

    def by_route(self, items: Iterable[Item]) -> list[tuple[Route, list[Item]]]:
        """Return records by the route that they go to, in their order."""
        groups: dict[int, tuple[Route, list[Item]]] = {}
        for item in items:
            if item.received is not None:
                route = self.subscription.routes[type(item.received.event)]
                if id(route) not in groups:
                    groups[id(route)] = route, []
                groups[id(route)][1].append(item)
        return list(groups.values())

    @staticmethod
    def _hold_back(items: Sequence[Item], gated: set[Key]) -> None:
        """Followers of a blocked key wait behind it; what breaks the contract never does."""
        for item in items:
            if item.lane in gated and not isinstance(item.outcome, DeadLetter):
                item.outcome = PARKED

    async def _decide(
        self, tx: Tx, items: Sequence[Item], prepared: Prepared, numbers: Mapping[Key, Numbers], apply: Apply
    ) -> None:
        if self._is_intake:
            await self._drop_seen(tx, items)
        else:
            self._check_sequence(items, numbers)
        blocked: set[Key] = set()
        is_one_wave = self.subscription.takes_runs and apply is apply_whole
        for wave in [items] if is_one_wave else waves(items):
            for item in wave:
                if item.lane in blocked and not isinstance(item.outcome, DeadLetter):
                    item.outcome = PARKED
            for route, group in self.by_route(item for item in wave if item.outcome is None):
                await apply(tx, route, group, prepared.get(id(route)))
                if is_one_wave and any(isinstance(item.outcome, RetryLater) for item in group):
                    raise TypeError(f"{self.subscription.group} takes runs, and made one of them wait")
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

    def _check_sequence(self, items: Sequence[Item], numbers: Mapping[Key, Numbers]) -> None:
        """Recognise copies and gaps by the numbers that our topics carry per key."""
        last = {lane: number.met for lane, number in numbers.items()}
        for item in items:
            if isinstance(item.outcome, RetryLater):
                continue
            met = last.get(item.lane)
            if item.sequence is None:
                item.outcome = item.outcome or DeadLetter("missing", "ce_sequence")
            elif item.redriven is not None:
                self._check_truth(item, numbers[item.lane].applied if item.lane in numbers else None)
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

    async def _write(self, tx: Tx, items: Sequence[Item], gated: set[Key]) -> dict[Key, Numbers]:
        waiting = [item for item in items if isinstance(item.outcome, RetryLater)]
        if waiting:
            await self.shelf.park(tx, waiting, gated)
            await self._forget(tx, waiting)
        return await self._remember(tx, [item for item in items if item.is_settled])

    async def _remember(self, tx: Tx, settled: Sequence[Item]) -> dict[Key, Numbers]:
        """Write dead letters; return the last number met per key and the last that had an effect, which are to be written too."""
        dead = [item for item in settled if isinstance(item.outcome, DeadLetter) and item.redriven is None]
        if dead:
            await self.shelf.bury(tx, dead)
        await self.letters.settle(tx, [item for item in settled if item.redriven is not None])
        if self._is_intake:
            return {}
        return last_numbers(settled)

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
