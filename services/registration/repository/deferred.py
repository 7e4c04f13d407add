"""Calls whose publisher does not wait for the verdicts: sealed as they came, until they are worked through."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.registration.repository.rows import SQL
from shared.storage import Database, Tx


class Kept(NamedTuple):
    """A call's body: how many items of it are to be decided, what is sealed, and the subject of its key."""

    items: int
    body: bytes
    sealed_under: UUID


class Deferred(NamedTuple):
    """A call that is worked through now. `arrived_at` is business time, by which days are judged."""

    id: int
    publisher: str
    door: str
    kind: str
    kept: Kept
    arrived_at: datetime
    attempts: int


class Waiting(NamedTuple):
    """How many items wait in calls, and how many that could not be done wait to be tried again.

    `due_seconds`: since when the first call that is due has been due, 0 where none is; `age_seconds`: since when the oldest is kept.
    """

    waiting: int
    parked: int
    due_seconds: float
    age_seconds: float


async def has_room_for_call(tx: Tx, calls: int) -> bool:
    """Return whether fewer than `calls` are kept."""
    return bool(await tx.fetchval(SQL["has_room_for_call"], calls))


async def defer_call(tx: Tx, publisher: str, door: str, kind: str, kept: Kept, arrived_at: datetime) -> None:
    """Keep a call to be worked through later."""
    await tx.execute(SQL["defer_call"], publisher, door, kind, *kept, arrived_at)


async def claim_deferred(tx: Tx) -> Deferred | None:
    """Return the call that has waited longest; nobody else works on it meanwhile. None where none is due."""
    row = await tx.fetchrow(SQL["claim_deferred"])
    if row is None:
        return None
    id_, publisher, door, kind, items, body, sealed_under, arrived_at, attempts = row
    return Deferred(id_, publisher, door, kind, Kept(items, body, sealed_under), arrived_at, attempts)


async def remove_deferred(tx: Tx, id_: int) -> None:
    """Let a call go: everything in it has its verdict."""
    await tx.execute(SQL["remove_deferred"], id_)


async def delay_deferred(tx: Tx, id_: int, rest: Kept, reason: str, seconds: float) -> None:
    """Let what could not be done of a call wait, by itself."""
    await tx.execute(SQL["delay_deferred"], id_, *rest, reason, seconds)


async def measure_deferred(database: Database) -> Waiting:
    """Return what waits in calls that were kept for later."""
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["measure_deferred"])
    return Waiting(*row) if row else Waiting(0, 0, 0.0, 0.0)
