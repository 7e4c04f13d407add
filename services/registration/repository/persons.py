"""Persons: found by blind index, registered or pre-registered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.registration.repository.rows import SQL, columns
from shared.storage import Database, Tx

Tokens = Mapping[int, bytes]
"""A blind index' tokens of one value by key version."""


class Person(NamedTuple):
    """A person as their row says, locked."""

    person_id: UUID
    state: str
    contact: str | None
    contact_version: int
    repeat_told_at: datetime | None


class Enrolment(NamedTuple):
    """What a person's row becomes on registering, in the order of the statement's columns."""

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


class ListLine(NamedTuple):
    """One line of a layoff list as evidence about a person, in the order of the statement's columns."""

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
    oldest = [min(tokens) for tokens, _ in wanted]
    first = [tokens[version] for (tokens, _), version in zip(wanted, oldest, strict=True)]
    all_ = [(place, version, token) for place, (tokens, _) in enumerate(wanted) for version, token in tokens.items()]
    places, versions, tokens_ = columns(all_)
    known: dict[int, UUID] = {}
    async with database.connection() as connection:
        made = list(range(len(wanted))), oldest, first, [person_id for _, person_id in wanted]
        known |= _by_place(await connection.fetch(SQL["claim_persons"], *made, places, versions, tokens_, now))
        if len(known) < len(wanted):
            known |= _by_place(await connection.fetch(SQL["find_persons"], places, versions, tokens_))
        if len(all_) > len(wanted):
            await connection.execute(SQL["add_nik_tokens"], versions, tokens_, [known[place] for place in places])
    return [known[place] for place in range(len(wanted))]


def _by_place(rows: Iterable[Any]) -> dict[int, UUID]:
    return {row["place"]: row["person_id"] for row in rows}


async def find_evidence(database: Database, persons: Collection[UUID]) -> list[tuple[UUID, str, str]]:
    """Return (person, publisher, sealed line) of what layoff lists say."""
    async with database.connection() as connection:
        rows = await connection.fetch(SQL["find_evidence"], list(persons))
    return [(row["person_id"], row["publisher"], row["content"]) for row in rows]


async def lock_known(tx: Tx, submissions: Collection[UUID], persons: Collection[UUID]) -> tuple[set[UUID], dict[UUID, Person]]:
    """Return which of the submissions have their verdict already, and the persons by id, locked."""
    rows = await tx.fetch(SQL["lock_known"], list(submissions), list(set(persons)))
    known = {row["submission_id"] for row in rows if row["submission_id"] is not None}
    return known, {row["person_id"]: Person(*row[1:]) for row in rows if row["person_id"] is not None}


async def register_persons(tx: Tx, enrolments: Sequence[Enrolment], now: datetime) -> set[UUID]:
    """Register locked persons that are not; return who was. Left out is whose reference was used for somebody else."""
    if not enrolments:
        return set()
    *plain, _ = columns(enrolments)
    near = [(*token, enrolment.person_id) for enrolment in enrolments for token in enrolment.near]
    rows = await tx.fetch(SQL["register_persons"], now, *plain, *(columns(near) or ([], [], [], [])))
    return {row["person_id"] for row in rows}


async def mark_repeats_told(tx: Tx, persons: Collection[UUID], now: datetime) -> None:
    """Remember that these persons are told that they are registered already."""
    if persons:
        await tx.execute(SQL["mark_repeats_told"], now, list(persons))


async def add_evidence(tx: Tx, lines: Sequence[ListLine], identities: Mapping[UUID, str]) -> set[UUID]:
    """Keep lines and pre-register who is new; return the ids of the lines that were not known."""
    if not lines:
        return set()
    await tx.execute(SQL["preregister_persons"], list(identities), list(identities.values()))
    rows = await tx.fetch(SQL["add_evidence"], *columns(lines))
    return {row["evidence_id"] for row in rows}
