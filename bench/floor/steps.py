"""The four steps. Each gets a batch of (id, JSON), writes its rows, and returns what the next step gets."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
from asyncpg.pgproto.pgproto import UUID
from pydantic import ValidationError

from bench.floor.incubators import Incubator, Seats
from bench.floor.registration import TODAY, Registration
from bench.floor.rules import score, sector_of
from bench.floor.texts import write_letter
from shared.storage.sql import load_queries

SQL = load_queries("bench.floor")
DUE_ON = TODAY + timedelta(days=7)
TASKS = {"placed": "welcome", "waitlisted": "find_seat", "denied": "look_again"}

Batch = Sequence[tuple[UUID, bytes]]
Connection = Any
"""asyncpg's, whose own types say less than nothing about rows."""


class Step(ABC):
    """One step; `hears` and `says` are topics."""

    hears: str
    says: str | None

    async def open(self, connection: Connection) -> None:  # noqa: B027 - most steps hold nothing in memory
        """Read what the step holds in memory."""

    @abstractmethod
    async def work(self, connection: Connection, batch: Batch) -> Batch:
        """Write a batch's rows in the open transaction and return the next events."""


class Register(Step):
    """Check the registration and store it."""

    hears, says = "floor.submitted", "floor.accepted"

    async def work(self, connection: Connection, batch: Batch) -> Batch:
        """Store what is a registration; note what is none."""
        rows, accepted, refused = [], [], []
        for id_, value in batch:
            try:
                found = Registration.model_validate_json(value)
            except ValidationError:
                refused.append(id_)
                continue
            rows.append((id_, *_columns(found)))
            accepted.append((id_, value))
        await _add(connection, "add_registrations", rows)
        if refused:
            await connection.execute(SQL["add_refusals"], refused)
        return accepted


class Score(Step):
    """Apply the twelve rules."""

    hears, says = "floor.accepted", "floor.scored"

    async def work(self, connection: Connection, batch: Batch) -> Batch:
        """Store the scores."""
        rows, scored = [], []
        for id_, value in batch:
            registration = orjson.loads(value)
            found = score(registration)
            rows.append((id_, found.is_eligible, found.points, _array(found.reasons)))
            event = {name: registration.get(name) for name in ("reference", "name", "phone", "email", "employer")}
            event |= {"province": registration["regency"][:2], "sector": sector_of(registration), **found._asdict()}
            scored.append((id_, orjson.dumps(event)))
        await _add(connection, "add_scores", rows)
        return scored


class Place(Step):
    """Give seats."""

    hears, says = "floor.scored", "floor.placed"

    async def open(self, connection: Connection) -> None:
        """Read the free seats."""
        self._seats = Seats(Incubator(*row) for row in await connection.fetch(SQL["list_incubators"]))

    async def work(self, connection: Connection, batch: Batch) -> Batch:
        """Store the placements and count the seats."""
        rows, placed = [], []
        taken: Counter[int] = Counter()
        for id_, value in batch:
            event = orjson.loads(value)
            incubator = self._seats.take(event["province"], event["sector"]) if event["is_eligible"] else None
            outcome = "placed" if incubator else "waitlisted" if event["is_eligible"] else "denied"
            if incubator:
                taken[incubator] += 1
            rows.append((id_, outcome, incubator))
            placed.append((id_, orjson.dumps(event | {"outcome": outcome, "incubator": incubator})))
        await _add(connection, "add_placements", rows)
        if taken:
            await connection.execute(SQL["take_seats"], list(taken), list(taken.values()))
        return placed


class Notify(Step):
    """Write the message and the staff task."""

    hears, says = "floor.placed", None

    async def work(self, connection: Connection, batch: Batch) -> Batch:
        """Store messages and tasks."""
        messages, tasks = [], []
        for id_, value in batch:
            event = orjson.loads(value)
            address = event["phone"] or event["email"] or ""
            messages.append((id_, "sms" if event["phone"] else "email", address, write_letter(event)))
            tasks.append((id_, TASKS[event["outcome"]], event["province"], event["incubator"], DUE_ON))
        await _add(connection, "add_messages", messages)
        await _add(connection, "add_tasks", tasks)
        return []


STEPS: dict[str, type[Step]] = {"register": Register, "score": Score, "place": Place, "notify": Notify}
"""By name, in the order in which a registration goes through them."""


async def make_tables(connection: Connection, incubators: Sequence[Incubator]) -> None:
    """Make the tables and fill in the incubators."""
    await connection.execute(SQL["create_tables"])
    await _add(connection, "add_incubators", [tuple(incubator) for incubator in incubators])


def _columns(r: Registration) -> tuple[Any, ...]:
    plan = r.business_plan.model_dump_json() if r.business_plan else None
    who = (r.reference, r.nik, r.kk, r.name, r.birth_date, r.phone, r.email, r.address, r.regency, r.citizenship)
    work = (r.employment_status, r.layoff_on, r.employer, r.employer_kbli, r.layoff_letter, r.in_formal_education, r.profession)
    return (*who, *work, _array(r.other_aid), r.dependants, _array(r.skills), plan)


def _array(texts: Sequence[str]) -> str:
    """Return texts as PostgreSQL writes an array, which is nearly as JSON does: `unnest` would flatten arrays of arrays."""
    return f"{{{orjson.dumps(texts)[1:-1].decode()}}}"


async def _add(connection: Connection, block: str, rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        await connection.execute(SQL[block], *zip(*rows, strict=True))


async def connect(url: str) -> Connection:
    """Connect to the floor's database."""
    return await asyncpg.connect(url)
