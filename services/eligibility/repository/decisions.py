"""Workers, decisions and reviews."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.eligibility.repository.rows import Decision, Request, Review, Worker
from shared.storage import Tx, load_queries

SQL = load_queries("services.eligibility")


async def save_workers(tx: Tx, workers: Sequence[Worker], now: datetime) -> set[UUID]:
    """Remember workers; return those for whom this was news. Their rows are locked then."""
    rows = await tx.fetch(
        SQL["save_workers"],
        [w.worker_id for w in workers],
        [w.ticket_digest for w in workers],
        [w.province for w in workers],
        [w.facts_version for w in workers],
        [w.contact_version for w in workers],
        [w.facts for w in workers],
        [w.contact for w in workers],
        [w.is_erased for w in workers],
        now,
    )
    return {row["worker_id"] for row in rows}


async def find_versions(tx: Tx, workers: Collection[UUID]) -> dict[UUID, int]:
    """Return which version of each worker's facts is known."""
    return {row["worker_id"]: row["facts_version"] for row in await tx.fetch(SQL["find_versions"], list(workers))}


async def add_decisions(tx: Tx, decisions: Sequence[Decision], now: datetime) -> None:
    """Store decisions; reviews of older facts of the same workers lose their object."""
    if not decisions:
        return
    await tx.execute(
        SQL["add_decisions"],
        [d.decision_id for d in decisions],
        [d.worker_id for d in decisions],
        [d.facts_version for d in decisions],
        [d.event_id for d in decisions],
        [d.policy for d in decisions],
        [d.policy_digest for d in decisions],
        [d.judgement.outcome.value for d in decisions],
        [d.programme for d in decisions],
        [d.judgement.score for d in decisions],
        [",".join(d.judgement.rules) for d in decisions],
        [",".join(d.judgement.reasons) for d in decisions],
        [d.facts for d in decisions],
        [d.decided_on for d in decisions],
        now,
    )


async def add_reviews(tx: Tx, reviews: Sequence[tuple[UUID, UUID, UUID, str]], opened_at: datetime, due_at: datetime) -> None:
    """Ask dinas: (review id, decision id, worker id, regency)."""
    if reviews:
        columns: list[list[object]] = [list(column) for column in zip(*reviews, strict=True)]
        await tx.execute(SQL["add_reviews"], *columns, opened_at, due_at)


async def find_reviews(tx: Tx, review_ids: Collection[UUID]) -> dict[UUID, Review]:
    """Return reviews by id."""
    return {row["review_id"]: Review(**row) for row in await tx.fetch(SQL["find_reviews"], list(review_ids))}


async def lock_reviews(tx: Tx, review_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the states of reviews and keep them from changing."""
    return {row["review_id"]: row["state"] for row in await tx.fetch(SQL["lock_reviews"], list(review_ids))}


async def close_reviews(tx: Tx, verdicts: Mapping[UUID, tuple[str, str, str]], now: datetime) -> None:
    """Store what staff decided: state, person, reason."""
    if verdicts:
        states, people, reasons = zip(*verdicts.values(), strict=True)
        await tx.execute(SQL["close_reviews"], list(verdicts), states, people, reasons, now)


async def add_review_read(tx: Tx, review_id: UUID, person: str, now: datetime) -> None:
    """Record that a person looked into opened facts."""
    await tx.execute(SQL["add_review_read"], review_id, person, now)


async def add_requests(tx: Tx, requests: Sequence[Request], now: datetime) -> set[UUID]:
    """Store seat requests, those that are placed already too; return the new ones."""
    if not requests:
        return set()
    rows = await tx.fetch(
        SQL["add_requests"],
        [r.request_id for r in requests],
        [r.worker_id for r in requests],
        [r.decision_id for r in requests],
        [r.facts_version for r in requests],
        [r.province for r in requests],
        [r.programme for r in requests],
        [r.state for r in requests],
        [r.referred_to for r in requests],
        [r.sector for r in requests],
        [r.position for r in requests],
        [r.number for r in requests],
        now,
    )
    return {row["request_id"] for row in rows}
