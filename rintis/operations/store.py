"""What earlier audits have proven: a database of the audit's own, which every operator's audit shares."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rintis.operations.ledger import NONE, Minutes, Sums
from rintis.runtime.databases import AUDIT_ADDRESS
from rintis.runtime.errors import CannotStart
from shared.storage import AWAY, Database, load_queries, migrate

SQL = load_queries("rintis.operations", "store.sql")
MIGRATIONS = Path(__file__).parent / "migrations"

AUDIT_LOCK = 7_210_004
"""Advisory lock of the audit that runs."""
KEPT_AUDITS = 10_000
"""Verdicts kept: a week of one a minute."""
CONNECTIONS = 2
"""One holds the lock, one reads and writes."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Up to when a service's tables were found to agree, and what they held and had lost by then."""

    until: datetime
    rows: Mapping[str, int]
    """Rows of each kind that had settled."""
    removed: Mapping[str, list[int]]
    """How many rows of each table were ever taken away, and the file that held it."""
    counted_at: datetime
    """When the rows were counted, and not only added up."""
    whole_at: datetime
    """When every row was looked at."""


@dataclass
class Past:
    """What is known before an audit looks."""

    folds: dict[str, int] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    open: dict[str, Minutes] = field(default_factory=dict)
    closed_totals: dict[str, Sums] = field(default_factory=dict)
    holes: dict[tuple[str, str, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What an audit found of one edge's minutes."""

    edge: str
    closed: Minutes
    open: Minutes
    broken: Sequence[datetime]


class Store:
    """Reads and writes what was proven."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self) -> None:
        """Connect, and make the tables where they are missing."""
        await self._database.open()
        await migrate(self._database, MIGRATIONS)

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep other audits waiting meanwhile."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["take_audit_lock"], AUDIT_LOCK)
            try:
                yield
            finally:
                await connection.execute(SQL["release_audit_lock"], AUDIT_LOCK)

    async def recall(self) -> Past:
        """Return what is known."""
        past = Past()
        async with self._database.transaction() as tx:
            for row in await tx.fetch(SQL["find_marks"]):
                past.folds[row["service"]] = row["fold"]
                if row["agreed_until"]:
                    past.agreements[row["service"]] = Agreement(
                        row["agreed_until"],
                        json.loads(row["agreed_rows"]),
                        json.loads(row["agreed_removed"]),
                        row["counted_at"],
                        row["whole_at"],
                    )
            for row in await tx.fetch(SQL["find_open"]):
                past.open.setdefault(row["edge"], {})[row["minute"]] = _sums(row)
            past.closed_totals = {row["edge"]: _sums(row) for row in await tx.fetch(SQL["sum_closed"])}
            past.holes = {
                (row["edge"], row["topic"], row["partition"]): row["offsets"] for row in await tx.fetch(SQL["find_holes"])
            }
        return past

    async def find_closed(self, wanted: Mapping[str, Sequence[datetime]]) -> dict[str, Minutes]:
        """Return what named minutes had when they were closed."""
        named = [(edge, minute) for edge, minutes in wanted.items() for minute in minutes]
        if not named:
            return {}
        edges, minutes = zip(*named, strict=True)
        found: dict[str, Minutes] = {}
        async with self._database.connection() as connection:
            for row in await connection.fetch(SQL["find_closed"], edges, minutes):
                found.setdefault(row["edge"], {})[row["minute"]] = _sums(row)
        return found

    async def find_closed_of(self, edge: str) -> Minutes:
        """Return what every closed minute of an edge had."""
        async with self._database.connection() as connection:
            return {row["minute"]: _sums(row) for row in await connection.fetch(SQL["find_closed_of_edge"], edge)}

    async def remember(self, folds: Mapping[str, int], news: Sequence[News], holes: Mapping[tuple[str, str, int], int]) -> None:
        """Keep how far an audit came and what became of the minutes, all of it or nothing."""
        rows = [
            (edge.edge, minute, is_closed, *sums)
            for edge in news
            for minutes, is_closed in ((edge.closed, True), (edge.open, False))
            for minute, sums in minutes.items()
        ]
        broken = [(edge.edge, minute) for edge in news for minute in edge.broken]
        async with self._database.transaction() as tx:
            if rows:
                await tx.execute(SQL["set_minutes"], *zip(*rows, strict=True))
            if broken:
                await tx.execute(SQL["add_broken"], *zip(*broken, strict=True))
            for place, offsets in holes.items():
                await tx.execute(SQL["set_hole"], *place, offsets)
            await tx.execute(SQL["set_folds"], list(folds), list(folds.values()))

    async def agree(self, service: str, agreement: Agreement | None) -> None:
        """Keep up to when a service's tables agree; None where they do not."""
        said: Sequence[Any] = (None,) * 5
        if agreement:
            rows, removed = json.dumps(agreement.rows), json.dumps(agreement.removed)
            said = (agreement.until, rows, removed, agreement.counted_at, agreement.whole_at)
        async with self._database.connection() as connection:
            await connection.execute(SQL["set_agreement"], service, *said)

    async def keep(self, verdict: Mapping[str, Any]) -> None:
        """Keep a verdict."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["add_audit"], json.dumps(verdict, default=str), KEPT_AUDITS)

    async def forget(self) -> None:
        """Forget what was proven: the next audit looks at everything."""
        async with self._database.connection() as connection:
            await connection.execute(SQL["forget"])


@asynccontextmanager
async def open_store() -> AsyncIterator[Store | None]:
    """Open the audit's own database; None where DATABASE_URL_AUDIT is not set: then every audit looks at everything.

    Raises:
        CannotStart: where its server is away.
    """
    address = os.environ.get(AUDIT_ADDRESS)
    if not address:
        yield None
        return
    store = Store(Database(address, name="audit-store", size=CONNECTIONS, planner={}))
    try:
        await store.open()
    except AWAY as error:
        raise CannotStart(
            f"The audit's database cannot be reached ({type(error).__name__}).", "Is `rintis up` running?"
        ) from None
    try:
        yield store
    finally:
        await store.close()


def _sums(row: Any) -> Sums:
    return Sums(row["events"], int(row["hash_sum"])) if row["events"] is not None else NONE
