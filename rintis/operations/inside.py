"""What each service's own statements find in its tables: rows that contradict each other, and what waits too long."""

from __future__ import annotations

from dataclasses import replace
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
SETTLES = timedelta(seconds=30)
"""Age at which a row counts as agreed, by the newest row's time: hardly a transaction that could still add an older one lasts so long. One
that does is found by counting. Younger rows are looked at once more."""
COUNT_EVERY = timedelta(minutes=10)
"""How often whole tables are counted: a row that was put in with a time long past is found within this. What is taken away is seen at once."""
WHOLE_EVERY = timedelta(hours=1)
"""How often every row is looked at: what was changed in place, long after it was proven, is found within this."""
STATE = LATEST, KEPT, SETTLED, SETTLING, PROVEN, PROVEN_NEWS = (
    "find_latest",
    "name_kept",
    "count_settled",
    "find_settling",
    "find_proven",
    "find_proven_news",
)
"""Blocks of an `audit.sql` that find nothing: the newest time, of which tables nothing is taken away, how many rows there are and are about to settle, and
which of the others can be left out because sums prove that they would find nothing, in all rows and in those from a time on. A service need
not have the last two."""


async def check_inside(sources: Sources, service: str, agreed: Agreement | None) -> tuple[list[Finding], Agreement | None, bool]:
    """Run a service's statements over what is new since they last agreed, or over everything.

    Returns the findings, up to when the tables agree now (None where they do not), and whether everything was looked at.
    """
    queries = load_queries(f"services.{service}", "audit.sql")
    now = datetime.now(UTC)
    async with sources.snapshot(service) as tx:
        removed = await _find_removed(tx, queries[KEPT])
        is_due = agreed is None or now - agreed.whole_at > WHOLE_EVERY
        since = ALWAYS if agreed is None or is_due else agreed.until
        latest = await tx.fetchval(queries[LATEST], since)
        until = max(since, latest - SETTLES) if latest else since
        if agreed is None or is_due or agreed.removed != removed:
            next_ = None
        elif now - agreed.counted_at > COUNT_EVERY:
            next_ = await _count(tx, queries[SETTLED], agreed, until, now)
        else:
            next_ = await _add_up(tx, queries[SETTLING], agreed, until)
        found = await _find(tx, queries, ALWAYS if next_ is None else since)
        if next_ is None and not found:
            rows = {row["name"]: row["settles"] for row in await tx.fetch(queries[SETTLED], until, until)}
            return [], Agreement(until, rows, removed, now, now), True
    return [_finding(service, row) for row in found], None if found else next_, next_ is None


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


async def _find_removed(tx: Tx, statement: str) -> dict[str, list[int]]:
    """Return how many rows of each table that keeps all were ever taken away, and the file that holds it."""
    kept = [row["name"] for row in await tx.fetch(statement)]
    return {row["name"]: [row["removed"], row["file"]] for row in await tx.fetch(SQL["find_removed"], kept)}


async def _count(tx: Tx, statement: str, agreed: Agreement, until: datetime, now: datetime) -> Agreement | None:
    """Return the next agreement; None where not as many rows have settled as had."""
    counts = await tx.fetch(statement, agreed.until, until)
    if {row["name"]: row["settled"] for row in counts} != agreed.rows:
        return None
    return replace(agreed, until=until, rows={row["name"]: row["settles"] for row in counts}, counted_at=now)


async def _add_up(tx: Tx, statement: str, agreed: Agreement, until: datetime) -> Agreement:
    """Return the next agreement: what settles now is added to what had settled."""
    settling = {row["name"]: row["settling"] for row in await tx.fetch(statement, agreed.until, until)}
    return replace(agreed, until=until, rows={name: rows + settling[name] for name, rows in agreed.rows.items()})


async def _find(tx: Tx, queries: Queries, since: datetime) -> list[Any]:
    """Run every statement that sums do not make needless; only what looks at rows by their age takes a time."""
    proving = queries.get(PROVEN if since == ALWAYS else PROVEN_NEWS)
    proven = {row["statement"] for row in await _fetch(tx, proving, since)} if proving else set()
    found: list[Any] = []
    for name, statement in queries.items():
        if name not in proven and name not in STATE:
            found += await _fetch(tx, statement, since)
    return found


async def _fetch(tx: Tx, statement: str, since: datetime) -> list[Any]:
    return await (tx.fetch(statement, since) if "$1" in statement else tx.fetch(statement))


def _finding(service: str, row: Any) -> Finding:
    kind = classify(row["kind"])
    where = f"{service}: {row['kind']}"
    return Finding(kind, where, 1, row["since"], row["detail"], [row["subject"]], service, command_for(service))
