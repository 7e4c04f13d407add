"""What was heard of each worker, and what a worker who asks is told from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.registration.domain.status import Standing
from services.registration.repository.rows import SQL, columns
from shared.storage import Database, Tx


class HeardDecision(NamedTuple):
    """One decision as it was heard."""

    worker_id: UUID
    decision: str
    programme: str
    reasons: Sequence[str]
    at: datetime


class HeardPlacement(NamedTuple):
    """One placement as it was heard, in the order of the statement's columns."""

    worker_id: UUID
    placement: str
    name: str | None
    until: datetime | None
    position: int | None
    at: datetime


class HeardMessage(NamedTuple):
    """What became of one message, as it was heard, in the order of the statement's columns."""

    subject_id: UUID
    message: str
    channel: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """A worker's case as it is looked up by ticket."""

    person_id: UUID
    facts: str
    """Sealed; the digest of the access code is in it."""
    standing: Standing
    message: tuple[str, str | None, datetime] | None


async def keep_decisions(tx: Tx, heard: Sequence[HeardDecision]) -> None:
    """Keep the last decision of each worker; a worker's decisions come in order."""
    last = {item.worker_id: item for item in heard}
    workers, decisions, programmes, lists, instants = columns(list(last.values()))
    reasons = [",".join(codes) for codes in lists]
    await tx.execute(SQL["keep_decisions"], workers, decisions, programmes, reasons, instants)


async def keep_placements(tx: Tx, heard: Sequence[HeardPlacement]) -> None:
    """Keep the last placement of each worker, with the last name that was said; a worker's placements come in order."""
    last: dict[UUID, HeardPlacement] = {}
    for item in heard:
        known = last.get(item.worker_id)
        last[item.worker_id] = item._replace(name=known.name) if known and item.name is None else item
    await tx.execute(SQL["keep_placements"], *columns(list(last.values())))


async def keep_messages(tx: Tx, heard: Sequence[HeardMessage]) -> dict[UUID, bool]:
    """Keep the last message of each worker; return which of the subjects are workers, and whether it is one of these messages."""
    last: dict[UUID, HeardMessage] = {}
    for item in heard:
        known = last.get(item.subject_id)
        last[item.subject_id] = known if known and known.at > item.at else item
    rows = await tx.fetch(SQL["keep_messages"], *columns(list(last.values())))
    return {row["worker_id"]: row["message_at"] == last[row["worker_id"]].at for row in rows}


async def find_case(database: Database, ticket: str) -> Case | None:
    """Return the case with this ticket; a text that PostgreSQL cannot hold is nobody's ticket."""
    if "\x00" in ticket:
        return None
    async with database.connection() as connection:
        row = await connection.fetchrow(SQL["find_standing"], ticket)
    if row is None:
        return None
    standing = Standing(
        registered_at=row["registered_at"],
        decision=row["decision"],
        programme=row["decision_programme"],
        reasons=tuple(row["decision_reasons"] or ()),
        placement=row["placement"],
        placement_name=row["placement_name"],
        until=row["placement_until"],
        position=row["placement_position"],
    )
    message = (row["message"], row["message_channel"], row["message_at"]) if row["message"] else None
    return Case(row["person_id"], row["facts"], standing, message)
