"""What each service's own statements find in its tables: rows that contradict each other, and what waits too long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from rintis.operations.findings import Finding, classify
from rintis.operations.ledger import SQL
from rintis.operations.opened import command_for
from rintis.operations.sources import Sources
from rintis.operations.store import Agreement
from shared.storage import Queries, Tx, load_queries

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every row."""
STEPS = tuple(timedelta(minutes=4**power) for power in range(8))
"""How far back the newest row is looked for, from a minute to eleven days, before all rows are read: the newest time needs no more."""
SETTLES = timedelta(seconds=30)
"""Age at which a row counts as agreed, by the newest row's time: hardly a transaction that could still add an older one lasts so long.
One that does makes the next look a whole one, because the count of what had settled is another. Younger rows are looked at once more."""
MUCH = 10
"""Where a tenth of a table's rows is new, sums over all rows cost less than joining the new ones to the rest."""
WHOLE_EVERY = timedelta(hours=1)
"""How often every row is looked at: what was changed in place, long after it was proven, is found within this."""
LATEST, SETTLED, PROVEN = STATE = ("find_latest", "count_settled", "find_proven")
"""Blocks of an `audit.sql` that find nothing: the newest time, whether proven rows are all still there, and which of the others can be left
out of a look at everything because sums prove that they would find nothing. A service need not have the last."""


async def check_inside(sources: Sources, service: str, agreed: Agreement | None) -> tuple[list[Finding], Agreement | None, bool]:
    """Run a service's statements over what is new since they last agreed, or over everything.

    Returns the findings, up to when the tables agree now (None where they do not), and whether everything was looked at.
    """
    queries = load_queries(f"services.{service}", "audit.sql")
    now = datetime.now(UTC)
    async with sources.snapshot(service) as tx:
        is_due = agreed is None or now - agreed.whole_at > WHOLE_EVERY
        since = ALWAYS if agreed is None or is_due else agreed.until
        latest = await _find_latest(tx, queries[LATEST], since, now)
        until = max(since, latest - SETTLES) if latest else since
        counts = await tx.fetch(queries[SETTLED], until if is_due else since, until)
        is_whole = agreed is None or is_due or {row["name"]: row["settled"] for row in counts} != agreed.rows
        is_much = is_whole or any(MUCH * (row["rows"] - row["settled"]) > row["rows"] for row in counts)
        found = await _find(tx, queries, ALWAYS if is_whole else since, is_much=is_much)
    if found:
        return [_finding(service, row) for row in found], None, is_whole
    whole_at = now if is_whole or agreed is None else agreed.whole_at
    return [], Agreement(until, {row["name"]: row["settles"] for row in counts}, whole_at), is_whole


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


async def _find_latest(tx: Tx, statement: str, since: datetime, now: datetime) -> datetime | None:
    """Return the newest time of a row from a time on; None where there is none."""
    for step in STEPS:
        if now - step > since and (latest := await tx.fetchval(statement, now - step)):
            return cast("datetime", latest)
    return cast("datetime | None", await tx.fetchval(statement, since))


async def _find(tx: Tx, queries: Queries, since: datetime, *, is_much: bool) -> list[Any]:
    """Run every statement that sums do not make needless; only what looks at rows by their age takes a time."""
    proven = {row["statement"] for row in await tx.fetch(queries[PROVEN])} if is_much and PROVEN in queries else set()
    found: list[Any] = []
    for name, statement in queries.items():
        if name not in proven and name not in STATE:
            found += await (tx.fetch(statement, since) if "$1" in statement else tx.fetch(statement))
    return found


def _finding(service: str, row: Any) -> Finding:
    kind = classify(row["kind"])
    where = f"{service}: {row['kind']}"
    return Finding(kind, where, 1, row["since"], row["detail"], [row["subject"]], service, command_for(service))
