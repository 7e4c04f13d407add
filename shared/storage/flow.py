"""The flow ledger: sums per minute that let an audit prove millions of events without looking at them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.contracts.envelope import hash64
from shared.storage.database import Database
from shared.storage.lending import Tx
from shared.storage.sql import load_queries

SQL = load_queries("shared.storage")
FOLD = load_queries("shared.storage", "flow.sql")

FOLD_LOCK = 7_210_003
"""Advisory lock of the one process that folds a service's ledger."""
FOLD_AFTER_SECONDS = 120.0
"""Age at which a row is folded: the rate of a queue is read from the rows of the last minute."""
FOLD_ROWS = 5_000
"""Rows of one fold: some tens of milliseconds, so that no batch waits for it."""


class Heard(NamedTuple):
    """One event that a consumer met; `weight` -1 takes back what an earlier batch counted."""

    topic: str
    partition: int
    at: datetime
    outcome: str
    id: UUID
    weight: int = 1


async def record_heard(tx: Tx, consumer: str, events: Iterable[Heard]) -> None:
    """Append what a consumer met, by topic, partition, minute and outcome."""
    await _append(tx, "heard", consumer, events)


async def record_arrivals(tx: Tx, door: str, arrivals: Sequence[tuple[UUID, datetime, str]]) -> None:
    """Append what came in by a door other than Kafka (`http`, `file`): (id, arrived at, outcome)."""
    await _append(tx, "door", door, [Heard(door, -1, at, outcome, id_) for id_, at, outcome in arrivals])


async def fold_flow(database: Database, *, after_seconds: float = FOLD_AFTER_SECONDS) -> bool:
    """Fold what batches have appended into one row per cell; return whether more waits. No sum changes by it."""
    async with database.transaction() as tx:
        if not await tx.fetchval(FOLD["lock_fold"], FOLD_LOCK):
            return False
        moved: int = await tx.fetchval(FOLD["fold_flow"], after_seconds, FOLD_ROWS)
    return moved == FOLD_ROWS


def cells_of(events: Iterable[Heard]) -> list[tuple[str, int, datetime, str, int, int]]:
    """Return sums: topic, partition, minute, outcome, events, sum of hashes."""
    cells: dict[tuple[str, int, datetime, str], list[int]] = {}
    before = minute = None
    for topic, partition, at, outcome, id_, weight in events:
        # Events that were said together have one time, and come together.
        if minute is None or at is not before:
            before, minute = at, at.replace(second=0, microsecond=0)
        cell = cells.get((topic, partition, minute, outcome))
        if cell is None:
            cell = cells[topic, partition, minute, outcome] = [0, 0]
        cell[0] += weight
        cell[1] += weight * hash64(id_)
    return [(*cell, count, hash_sum) for cell, (count, hash_sum) in cells.items()]


async def _append(tx: Tx, direction: str, party: str, events: Iterable[Heard]) -> None:
    if cells := cells_of(events):
        await tx.execute(SQL["add_flow"], direction, party, *zip(*cells, strict=True))
