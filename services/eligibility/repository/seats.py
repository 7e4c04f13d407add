"""Provinces, incubators, seat requests and offers. Whoever changes seats holds the province's lock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.eligibility.domain import Incubator
from services.eligibility.repository.rows import Drafts, Offer, PendingRequest, Placement, Places
from shared.storage import Tx, load_queries

SQL = load_queries("services.eligibility")


async def find_waiting_provinces(tx: Tx) -> list[str]:
    """Return the provinces in which somebody waits to be placed."""
    return [row["code"] for row in await tx.fetch(SQL["find_waiting_provinces"])]


async def meet_allocators(tx: Tx, member: str, within_seconds: float) -> list[str]:
    """Say that a process places people; return all who have said so within that time, itself included."""
    await tx.execute(SQL["meet_allocators"], member)
    return [row["member"] for row in await tx.fetch(SQL["find_allocators"], within_seconds)]


async def find_due_provinces(tx: Tx, now: datetime) -> list[str]:
    """Return the provinces with offers past their deadline."""
    return [row["province"] for row in await tx.fetch(SQL["find_due_provinces"], now)]


async def try_province(tx: Tx, province: str) -> int | None:
    """Lock a province's seats and return the number of its last placement; None where another process has the lock."""
    number: int | None = await tx.fetchval(SQL["try_province"], province)
    return number


async def lock_province(tx: Tx, province: str) -> None:
    """Wait for the lock of a province's seats."""
    await tx.execute(SQL["lock_province"], province)


async def try_provinces(tx: Tx, provinces: Collection[str]) -> dict[str, int]:
    """Lock provinces' seats and return the number of each one's last placement; left out are those that another process has."""
    return {row["code"]: row["last_number"] for row in await tx.fetch(SQL["try_provinces"], list(provinces))}


async def take_requests(tx: Tx, provinces: Collection[str], limit: int) -> list[PendingRequest]:
    """Return the next requests of provinces in the order in which they were decided."""
    return [PendingRequest(**row) for row in await tx.fetch(SQL["take_requests"], list(provinces), limit)]


async def find_places(tx: Tx, provinces: Collection[str]) -> Places:
    """Return what provinces have to give."""
    incubators: dict[str, list[Incubator]] = {province: [] for province in provinces}
    queues: dict[str, dict[str, int]] = {province: {} for province in provinces}
    waited: set[str] = set()
    for row in await tx.fetch(SQL["find_places"], list(provinces)):
        kind, province, code, name, regency, sectors, number, taken = row
        if kind == "incubator":
            incubators[province].append(Incubator(code, name, regency, frozenset(sectors), number, taken))
        elif kind == "queue":
            queues[province][code] = number
        else:
            waited.add(province)
    return Places(incubators, queues, frozenset(waited))


async def save_placements(tx: Tx, placements: Sequence[Placement], now: datetime) -> None:
    """Write where requests went that had waited."""
    await tx.execute(
        SQL["save_placements"],
        [p.request_id for p in placements],
        [p.state for p in placements],
        [p.programme for p in placements],
        [p.sector for p in placements],
        [p.position for p in placements],
        [p.number for p in placements],
        [p.referred_to for p in placements],
        now,
    )


async def hold_seats(tx: Tx, drafts: Drafts, instance: str) -> None:
    """Hold the seats that were offered, lengthen the queues, and write how far each province's numbering is."""
    offers, numbers = drafts.offers, drafts.numbers
    joined = [(p.province, p.sector) for p in drafts.placements if p.state == "waitlisted"]
    await tx.execute(
        SQL["hold_seats"],
        [province for province, _ in joined],
        [sector for _, sector in joined],
        list(numbers),
        list(numbers.values()),
        [o.offer_id for o in offers],
        [o.request_id for o in offers],
        [o.worker_id for o in offers],
        [o.incubator for o in offers],
        [o.province for o in offers],
        instance,
        drafts.now,
        drafts.expires_at,
    )


async def find_worker_by_ticket(tx: Tx, digest: bytes) -> tuple[UUID, str] | None:
    """Return worker id and sealed facts of a ticket; None where it is unknown or its owner erased."""
    row = await tx.fetchrow(SQL["find_worker_by_ticket"], digest)
    return None if row is None or row["is_erased"] else (row["worker_id"], row["facts"])


async def find_last_offer(tx: Tx, worker_id: UUID) -> Offer | None:
    """Return the latest offer to a worker."""
    row = await tx.fetchrow(SQL["find_last_offer"], worker_id)
    return None if row is None else Offer(**row)


async def find_due_offers(tx: Tx, province: str, now: datetime, limit: int) -> list[Offer]:
    """Return a province's offers past their deadline, the oldest first."""
    return [Offer(**row) for row in await tx.fetch(SQL["find_due_offers"], province, now, limit)]


async def answer_offers(tx: Tx, offer_ids: Collection[UUID], state: str, now: datetime) -> None:
    """Give offers their end; what is not accepted frees its seat."""
    await tx.execute(SQL["answer_offers"], list(offer_ids), state, now)
