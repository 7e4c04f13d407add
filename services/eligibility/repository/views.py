"""Counts for operators."""

from __future__ import annotations

from typing import Any

from shared.storage import Tx, load_queries

SQL = load_queries("services.eligibility")


async def count_overview(tx: Tx) -> dict[str, Any]:
    """Return decisions by outcome, denials by reason, reviews and requests by state, seats by province."""
    decisions = {row["outcome"]: row["decisions"] for row in await tx.fetch(SQL["count_decisions"])}
    reviews = {row["state"]: row["reviews"] for row in await tx.fetch(SQL["count_reviews"])}
    requests = {row["state"]: row["requests"] for row in await tx.fetch(SQL["count_requests"])}
    counts = {
        "confirmed": decisions.get("confirmed", 0) + reviews.get("approved", 0),
        "denied": decisions.get("denied", 0) + reviews.get("rejected", 0),
        "review_open": reviews.get("open", 0),
        "requests_waiting": requests.get("requested", 0),
        **{state: requests.get(state, 0) for state in PLACED_STATES},
    }
    return {
        "counts": counts,
        "denied_by_reason": {row["reason"]: row["workers"] for row in await tx.fetch(SQL["count_denials"])},
        "seats": [dict(row) for row in await tx.fetch(SQL["count_seats"])],
    }


PLACED_STATES = ("offered", "accepted", "declined", "expired", "waitlisted", "referred")
"""What a seat request can be once the allocator has seen it."""
