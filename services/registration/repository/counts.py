"""Counts for the overview."""

from __future__ import annotations

from collections import Counter

from services.registration.repository.rows import SQL
from shared.storage import Database


async def count_overview(database: Database) -> dict[str, int]:
    """Return what came in by door, what became of it, refusals by reason, and who is known from lists only."""
    counts: Counter[str] = Counter()
    async with database.connection() as connection:
        for row in await connection.fetch(SQL["count_submissions"]):
            kind, number = row["kind"], row["submissions"]
            counts[f"{kind}s_received"] += number
            counts[f"{kind}s_by_{row['door']}"] += number
            counts[f"{kind}s_{row['verdict']}"] += number
        for row in await connection.fetch(SQL["count_reasons"]):
            counts[f"refused_{row['code']}"] += row["refusals"]
        counts["preregistered"] = await connection.fetchval(SQL["count_preregistered"])
    for verdict in ("accepted", "refused", "duplicate"):
        counts[verdict] = counts[f"registrations_{verdict}"]
    counts["received"] = counts["registrations_received"]
    return dict(sorted(counts.items()))
