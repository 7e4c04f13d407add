"""Persons: found by blind index, registered or pre-registered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.registration.repository.rows import SQL, columns
from shared.storage import Database, Tx

Tokens = Mapping[int, bytes]
"""A blind index' tokens of one value by key version."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person as their row says, locked."""

    person_id: UUID
    state: str
    contact: str | None
    contact_version: int
    repeat_told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a person's row becomes on registering."""

    person_id: UUID
    submission_id: UUID
    publisher: str
    reference_id: UUID
    event_id: UUID
    province: str
    ticket: str
    identity: str
    contact: str
    facts: str
    near: Sequence[tuple[str, int, bytes]]


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line of a layoff list as evidence about a person."""

    evidence_id: UUID
    person_id: UUID
    submission_id: UUID
    publisher: str
    reference_id: UUID
    content: str
    arrived_at: datetime


async def claim_persons(database: Database, wanted: Sequence[tuple[Tokens, UUID]], now: datetime) -> list[UUID]:
    """Return the person of each token set, in order; who is not known is made with the id given. Committed when it returns.

    The oldest key version decides who comes first, because every process has it while a rotation runs.
    """
    if not wanted:
        return []
    async with database.transaction() as tx:
        oldest = [min(tokens) for tokens, _ in wanted]
        first = [tokens[version] for (tokens, _), version in zip(wanted, oldest, strict=True)]
        # Most are new: asking first whether they are would be one more look-up for each of them.
        await tx.execute(SQL["claim_persons"], oldest, first, [person_id for _, person_id in wanted], now)
        known = await _find(tx, wanted)
        persons = [known[place] for place in range(len(wanted))]
        rows = [(v, token, person) for (tokens_, _), person in zip(wanted, persons, strict=True) for v, token in tokens_.items()]
        if len(rows) > len(wanted):
            await tx.execute(SQL["add_nik_tokens"], *map(list, zip(*rows, strict=True)))
    return persons


async def _find(tx: Tx, wanted: Sequence[tuple[Tokens, UUID]]) -> dict[int, UUID]:
    rows = [(place, version, token) for place, (tokens, _) in enumerate(wanted) for version, token in tokens.items()]
    found = await tx.fetch(SQL["find_persons"], *map(list, zip(*rows, strict=True)))
    return {row["place"]: row["person_id"] for row in found}


async def find_evidence(database: Database, persons: Collection[UUID]) -> list[tuple[UUID, str, str]]:
    """Return (person, publisher, sealed line) of what layoff lists say."""
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["find_evidence"], list(persons))
    return [(row["person_id"], row["publisher"], row["content"]) for row in rows]


async def lock_persons(tx: Tx, persons: Collection[UUID]) -> dict[UUID, Person]:
    """Return persons by id, locked."""
    rows = await tx.fetch(SQL["lock_persons"], list(set(persons)))
    return {row["person_id"]: Person(*row) for row in rows}


async def register_persons(tx: Tx, enrolments: Sequence[Enrolment], now: datetime) -> set[UUID]:
    """Register locked persons that are not; return who was. Left out is whose reference was used for somebody else."""
    if not enrolments:
        return set()
    rows = await tx.fetch(
        SQL["add_registrations"], now, *columns(enrolments, "person_id", "submission_id", "publisher", "reference_id", "event_id")
    )
    registered = {row["person_id"] for row in rows}
    taken = [enrolment for enrolment in enrolments if enrolment.person_id in registered]
    boxes = columns(taken, "person_id", "province", "ticket", "identity", "contact", "facts")
    await tx.execute(SQL["register_persons"], now, *boxes)
    near = [(*token, enrolment.person_id) for enrolment in taken for token in enrolment.near]
    if near:
        await tx.execute(SQL["add_near_tokens"], *map(list, zip(*near, strict=True)))
    return registered


async def mark_repeats_told(tx: Tx, persons: Collection[UUID], now: datetime) -> None:
    """Remember that these persons are told that they are registered already."""
    if persons:
        await tx.execute(SQL["mark_repeats_told"], now, list(persons))


async def add_evidence(tx: Tx, lines: Sequence[ListLine], identities: Mapping[UUID, str]) -> set[UUID]:
    """Keep lines and pre-register who is new; return the ids of the lines that were not known."""
    if not lines:
        return set()
    await tx.execute(SQL["preregister_persons"], list(identities), list(identities.values()))
    names = ("evidence_id", "person_id", "submission_id", "publisher", "reference_id", "content", "arrived_at")
    rows = await tx.fetch(SQL["add_evidence"], *columns(lines, *names))
    return {row["evidence_id"] for row in rows}
