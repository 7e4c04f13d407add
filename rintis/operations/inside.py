"""What each service's own statements find in its tables: rows that contradict each other, and what waits too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rintis.operations.findings import Finding, classify
from rintis.operations.ledger import SQL
from rintis.operations.opened import command_for
from rintis.operations.sources import Sources
from rintis.operations.store import Agreement
from shared.storage import Queries, Tx, load_queries

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every row."""
SETTLES = timedelta(hours=1)
"""Age at which a row counts as agreed, by the newest row's time: no transaction that could still add an older one lasts so long."""
WHOLE_EVERY = timedelta(hours=1)
"""How often every row is looked at: what was changed in place, long after it was proven, is found within this."""
STATE = ("find_latest", "count_settled")
"""Blocks of an `audit.sql` that find nothing: they tell whether proven rows are all still there."""


async def check_inside(sources: Sources, service: str, agreed: Agreement | None) -> tuple[list[Finding], Agreement | None, bool]:
    """Run a service's statements over what is new since they last agreed, or over everything.

    Returns the findings, up to when the tables agree now (None where they do not), and whether everything was looked at.
    """
    queries = load_queries(f"services.{service}", "audit.sql")
    async with sources.snapshot(service) as tx:
        is_whole = agreed is None or datetime.now(UTC) - agreed.whole_at > WHOLE_EVERY
        if agreed is not None and not is_whole:
            is_whole = await _count_settled(tx, queries, agreed.until) != agreed.rows
        since = ALWAYS if is_whole or agreed is None else agreed.until
        found = [row for name in queries if name not in STATE for row in await _fetch(tx, queries[name], since)]
        agreement = None
        if not found:
            latest = await tx.fetchval(queries["find_latest"], since)
            until = max(since, latest - SETTLES) if latest else since
            whole_at = datetime.now(UTC) if is_whole or agreed is None else agreed.whole_at
            agreement = Agreement(until, await _count_settled(tx, queries, until), whole_at)
    return [_finding(service, row) for row in found], agreement, is_whole


async def find_held(tx: Tx) -> list[Finding]:
    """Return the keys that wait for an operator."""
    return [
        Finding(
            "stuck",
            f"{row['consumer']}: a key waits for an operator",
            1,
            row["opened_at"],
            row["reason"],
            command=f"rintis dead-letters list --consumer {row['consumer']}",
        )
        for row in await tx.fetch(SQL["find_held_gates"])
    ]


async def _fetch(tx: Tx, statement: str, since: datetime) -> list[Any]:
    """Run a statement; only what looks at rows by their age takes a time."""
    rows: list[Any] = await (tx.fetch(statement, since) if "$1" in statement else tx.fetch(statement))
    return rows


async def _count_settled(tx: Tx, queries: Queries, until: datetime) -> dict[str, int]:
    return {row["name"]: row["settled"] for row in await tx.fetch(queries["count_settled"], until)}


def _finding(service: str, row: Any) -> Finding:
    kind = classify(row["kind"])
    where = f"{service}: {row['kind']}"
    return Finding(kind, where, 1, row["since"], row["detail"], [row["subject"]], service, command_for(service))
