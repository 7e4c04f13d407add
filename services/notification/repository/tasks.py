"""The only SQL of tasks and staff."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import asyncpg

from services.notification.domain.tasks import Staff, TaskState
from shared.contracts.notification import TaskKind
from shared.storage import Tx, load_queries

SQL = load_queries("services.notification")

Decision: TypeAlias = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class Task:
    """A question to staff. `assignee` is asked first; `claimed_by` does it. `revision` counts its changes."""

    id: UUID
    kind: TaskKind
    case_id: UUID
    about: UUID
    dinas: str
    programme: str | None
    reasons: tuple[str, ...]
    link: str
    assignee: str | None
    opened_at: datetime
    due_at: datetime
    state: TaskState = TaskState.OPEN
    claimed_by: str | None = None
    completed_at: datetime | None = None
    outcome: Decision | None = None
    reason: str | None = None
    revision: int = 0


async def replace_staff(tx: Tx, staff: Iterable[Staff]) -> None:
    """Take over the staff; who is not named any more gets no new task."""
    people = sorted(staff, key=lambda person: person.person)
    await tx.execute(
        SQL["replace_staff"],
        [p.person for p in people],
        [json.dumps(sorted(p.roles)) for p in people],
        [json.dumps(sorted(p.regions)) for p in people],
    )


async def list_staff(tx: Tx) -> list[Staff]:
    """Return who does tasks now."""
    rows = await tx.fetch(SQL["list_staff"])
    return [Staff(row["person"], frozenset(row["roles"]), frozenset(row["regions"])) for row in rows]


async def count_load(tx: Tx) -> dict[str, int]:
    """Return how many unfinished tasks each person is asked for."""
    return {row["assignee"]: row["tasks"] for row in await tx.fetch(SQL["count_load"])}


async def find_cases(tx: Tx, kind: str, cases: Collection[UUID]) -> set[UUID]:
    """Return which of these cases have a task already."""
    return {row["case_id"] for row in await tx.fetch(SQL["find_cases"], kind, list(cases))}


async def add_tasks(tx: Tx, tasks: Sequence[Task], now: datetime) -> set[UUID]:
    """Open tasks, once per case, and return the ids of those that are new."""
    rows = await tx.fetch(
        SQL["add_tasks"],
        [t.id for t in tasks],
        [t.kind for t in tasks],
        [t.case_id for t in tasks],
        [t.about for t in tasks],
        [t.dinas for t in tasks],
        [t.programme for t in tasks],
        [json.dumps(t.reasons) for t in tasks],
        [t.link for t in tasks],
        [t.assignee for t in tasks],
        [t.due_at for t in tasks],
        now,
    )
    return {row["id"] for row in rows}


async def list_tasks(
    tx: Tx, *, kinds: Collection[str], regions: Collection[str], person: str | None, states: Collection[str], limit: int
) -> list[Task]:
    """Return tasks by urgency: of these kinds and regions, and of one person only where one is named."""
    rows = await tx.fetch(SQL["list_tasks"], list(kinds), list(regions), person, list(states), limit)
    return [_read(row) for row in rows]


async def find_task(tx: Tx, task_id: UUID) -> Task | None:
    """Return one task."""
    row = await tx.fetchrow(SQL["find_task"], task_id)
    return _read(row) if row else None


async def lock_task(tx: Tx, task_id: UUID) -> Task | None:
    """Return one task, held until the end of the transaction."""
    row = await tx.fetchrow(SQL["lock_task"], task_id)
    return _read(row) if row else None


async def claim_task(tx: Tx, task_id: UUID, person: str) -> Task:
    """Give a task that is locked to the person who does it."""
    return _changed(await tx.fetchrow(SQL["claim_task"], task_id, person))


async def return_task(tx: Tx, task_id: UUID, assignee: str | None) -> Task:
    """Put a task that is locked back for somebody else."""
    return _changed(await tx.fetchrow(SQL["return_task"], task_id, assignee))


async def complete_task(tx: Tx, task_id: UUID, *, outcome: Decision, reason: str, now: datetime) -> Task:
    """Record how a task that is locked ended."""
    return _changed(await tx.fetchrow(SQL["complete_task"], task_id, outcome, reason, now))


async def count_tasks(tx: Tx, now: datetime) -> list[dict[str, Any]]:
    """Return how many tasks stand where, by dinas."""
    return [dict(row) for row in await tx.fetch(SQL["count_tasks"], now)]


def _changed(row: asyncpg.Record | None) -> Task:
    if row is None:
        raise LookupError("the task is locked and yet not there")
    return _read(row)


def _read(row: asyncpg.Record) -> Task:
    values = {name: row[name] for name in Task.__dataclass_fields__}
    return Task(**values | {"reasons": tuple(row["reasons"]), "state": TaskState(row["state"])})
