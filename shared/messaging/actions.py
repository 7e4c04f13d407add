"""What operators ask for about dead letters and held keys: written down with who and why before anything is done."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.topics import OWN
from shared.errors import RintisError
from shared.messaging.letters import READ, Ending, end_entries
from shared.messaging.limits import Limits
from shared.storage import Database, Tx, load_queries

SQL = load_queries("shared.storage", "actions.sql")

REDRIVE, WAIVE, READING = "redrive", "waive", "read"
WAITING, RUNNING, DONE, CANCELLED, STOPPED = "waiting", "running", "done", "cancelled", "stopped"
NEWEST_TRUTH = [topic.name for topic in OWN if topic.is_newest_truth]


class NotPossible(RintisError):
    """What was asked for cannot be done as things stand; the text says why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries are meant; None means any. `kind` is `dead` or `held`, `since` and `until` when they were set aside."""

    consumer: str | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    ids: Collection[UUID] | None = None
    kind: str | None = None

    def columns(self) -> tuple[Any, ...]:
        """Return the values in the order of the statements."""
        ids = None if self.ids is None else list(self.ids)
        return self.consumer, self.topic, self.reason, self.since, self.until, ids, self.kind

    def as_json(self) -> str:
        """Return what was asked for, for the record."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None}, default=_text)


@dataclass(frozen=True, slots=True)
class Request:
    """An action as an operator asks for it."""

    kind: str
    filter: Filter
    why: str
    by: str
    per_second: int


class Actions:
    """The operator actions of one service."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    async def count(self, wanted: Filter) -> list[dict[str, Any]]:
        """Return what a filter means, by consumer, topic and reason."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["count_entries"], *wanted.columns(), NEWEST_TRUTH)
        return [dict(row) for row in rows]

    async def find(self, wanted: Filter, limit: int) -> list[dict[str, Any]]:
        """Return entries without their content, newest first."""
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(SQL["find_entries"], *wanted.columns(), limit)]

    def needs_approval(self, entries: int) -> bool:
        """Return whether so many entries need a second person."""
        return entries > self._limits.redrive_alone

    async def ask(self, request: Request) -> UUID:
        """Write an action down and take its entries for it. It begins at once, or once a second person approves.

        Raises NotPossible where nothing is there to be done.
        """
        action, now = uuid4(), datetime.now(UTC)
        async with self._database.transaction() as tx:
            await self._add(tx, action, request, now)
            taken = [await tx.execute(SQL[block], *request.filter.columns(), action) for block in ("claim_letters", "claim_held")]
            entries = sum(int(status.rsplit(" ", 1)[-1]) for status in taken)
            if not entries:
                raise NotPossible("No entry fits, or each belongs to an action that has not ended.")
            await self._size(tx, action, entries, now, needs_approval=self.needs_approval(entries))
        return action

    async def ask_to_read(self, letter: UUID, *, why: str, by: str) -> UUID:
        """Ask to read one letter's record. That of an intake record shows a person's data: a second person approves.

        Raises NotPossible where there is no such letter.
        """
        action, now = uuid4(), datetime.now(UTC)
        async with self._database.transaction() as tx:
            row = await tx.fetchrow(SQL["find_letter"], letter)
            if row is None:
                raise NotPossible(f"There is no dead letter {letter}.")
            await self._add(tx, action, Request(READING, Filter(ids=[letter]), why, by, 1), now)
            await tx.execute(SQL["add_reading"], action, letter)
            await self._size(tx, action, 1, now, needs_approval=row["sealed_under"] is not None)
        return action

    async def approve(self, action: UUID, by: str) -> None:
        """Let an action begin. Raises NotPossible where it does not wait, or its asker would approve it."""
        now = datetime.now(UTC)
        async with self._database.transaction() as tx:
            found = await self._one(tx, action)
            is_reading = found["kind"] == READING
            due = now + timedelta(minutes=self._limits.reading_minutes) if is_reading else now
            if await tx.fetchval(SQL["approve_action"], action, by, now, due) is None:
                is_own = found["state"] == WAITING and found["asked_by"] == by
                raise NotPossible(
                    "Somebody else than the one who asked has to approve." if is_own else f"The action is {found['state']}."
                )

    async def cancel(self, action: UUID, by: str) -> None:
        """End an action: what is not begun stays on the list, what is under way goes on to its outcome."""
        async with self._database.transaction() as tx:
            found = await self._one(tx, action)
            if not await end(tx, action, CANCELLED, by, "cancelled"):
                raise NotPossible(f"The action is {found['state']}.")

    async def find_actions(self, action: UUID | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return actions with counts of what became of their entries, newest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(SQL["find_actions"], action, limit)
        return [dict(row) | {"filter": json.loads(row["filter"]), "outcomes": json.loads(row["outcomes"])} for row in rows]

    async def outcomes(self, action: UUID, outcome: str | None, limit: int) -> list[dict[str, Any]]:
        """Return what became of an action's entries, one by one."""
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(SQL["find_outcomes"], action, outcome, limit)]

    async def history(self, entry: UUID) -> list[dict[str, Any]]:
        """Return what was done about one entry, oldest first."""
        async with self._database.connection() as connection:
            return [dict(row) for row in await connection.fetch(SQL["find_history"], entry)]

    async def take_reading(self, tx: Tx, action: UUID, by: str) -> Any:
        """Return the letter that may be read, once, by the one who asked; the reading is on record before it is seen.

        Raises NotPossible where it may not.
        """
        found = await self._one(tx, action)
        if found["kind"] != READING or found["state"] != RUNNING or found["asked_by"] != by:
            raise NotPossible("A record is read once, by the person who asked for it, after the approval that it needs.")
        rows = await tx.fetch(SQL["find_next"], action, 1)
        await tx.execute(SQL["begin_entries"], action, [row["entry"] for row in rows], datetime.now(UTC))
        await end_entries(tx, [Ending(row["entry"], READ, "shown") for row in rows])
        await end(tx, action, DONE, by, "read")
        return await tx.fetchrow(SQL["find_letter"], rows[0]["entry"])

    async def _add(self, tx: Tx, action: UUID, request: Request, now: datetime) -> None:
        columns = (request.kind, request.filter.as_json(), request.why, request.per_second, request.by, now)
        await tx.execute(SQL["add_action"], action, *columns)

    async def _size(self, tx: Tx, action: UUID, entries: int, now: datetime, *, needs_approval: bool) -> None:
        is_reading = (await self._one(tx, action))["kind"] == READING
        wait = timedelta(hours=self._limits.approval_hours) if needs_approval else timedelta(0)
        if is_reading and not needs_approval:
            wait = timedelta(minutes=self._limits.reading_minutes)
        state = WAITING if needs_approval else RUNNING
        await tx.execute(SQL["size_action"], action, entries, needs_approval, state, now + wait)

    async def _one(self, tx: Tx, action: UUID) -> Any:
        rows: Sequence[Any] = await tx.fetch(SQL["find_actions"], action, 1)
        if not rows:
            raise NotPossible(f"There is no action {action}.")
        return rows[0]


async def end(tx: Tx, action: UUID, state: str, by: str, because: str) -> bool:
    """End an action and free what it has not begun; return whether it had not ended before."""
    now = datetime.now(UTC)
    if await tx.fetchval(SQL["end_action"], action, state, now, by, because) is None:
        return False
    await tx.execute(SQL["cancel_entries"], action, now)
    await tx.execute(SQL["free_letters"], action)
    await tx.execute(SQL["free_held"], action)
    return True


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
