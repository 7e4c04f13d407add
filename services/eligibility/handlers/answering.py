"""Offers end: accepted or declined by the worker, or by their deadline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.eligibility.handlers.deciding import ticket_digest
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.facts import open_facts
from services.eligibility.handlers.sayings import say_answered
from services.eligibility.repository import seats as repository
from services.eligibility.repository.rows import Offer
from shared.contracts.envelope import derive_id
from shared.security import matches_access_code
from shared.service import Problem
from shared.storage import Outgoing, Tx

Answer = Literal["accepted", "declined"]


async def answer_offer(desk: Desk, ticket: str, access_code: str, answer: Answer) -> Offer:
    """Accept or decline the worker's offer; the same answer again changes nothing.

    Raises Problem for a wrong ticket or code (one answer for both), no offer, a passed deadline, or another answer given before.
    """
    worker_id = await _identify(desk, ticket, access_code)
    async with desk.database.transaction() as tx:
        province = (await _last_offer(tx, worker_id)).province
        await repository.lock_province(tx, province)
        # Read again: only under the lock is the offer's state the truth.
        offer = await _last_offer(tx, worker_id)
        now = desk.clock.now()
        if offer.state == answer:
            return offer
        if offer.state != "offered" or offer.expires_at <= now:
            raise _closed(offer)
        await end_offers(tx, desk, [offer], answer, now)
    return offer


async def end_offers(tx: Tx, desk: Desk, offers: Sequence[Offer], state: str, now: datetime) -> None:
    """End offers of one province whose lock is held, and say so."""
    await repository.answer_offers(tx, [offer.offer_id for offer in offers], state, now)
    await desk.outbox.add(tx, [Outgoing(say_answered(offer, state), derive_id(offer.offer_id, state), now) for offer in offers])


@dataclass(frozen=True, slots=True)
class Expiry:
    """Ends offers whose deadline has passed."""

    desk: Desk

    async def run(self) -> bool:
        """End a batch of one province's offers; return whether there may be more.

        A province that another process works on is passed over: that process frees its own seats, or the next run does.
        """
        desk, now = self.desk, self.desk.clock.now()
        async with desk.database.connection() as connection:
            provinces = await repository.find_due_provinces(connection, now)
        for province in provinces:
            async with desk.database.transaction() as tx:
                if await repository.try_province(tx, province) is None:
                    continue
                due = await repository.find_due_offers(tx, province, now, desk.bounds.expire_batch)
                if due:
                    await end_offers(tx, desk, due, "expired", now)
                    return True
        return False


async def _last_offer(tx: Tx, worker_id: UUID) -> Offer:
    offer = await repository.find_last_offer(tx, worker_id)
    if offer is None:
        raise Problem(404, "Belum ada tawaran", "Belum ada tawaran tempat di inkubator untuk Anda.", field="ticket")
    return offer


async def _identify(desk: Desk, ticket: str, access_code: str) -> UUID:
    """Return the worker of a ticket whose access code was given."""
    async with desk.database.connection() as connection:
        found = await repository.find_worker_by_ticket(connection, ticket_digest(ticket))
    if found is not None:
        worker_id, sealed = found
        facts = (await open_facts(desk.boxes, [(worker_id, sealed)]))[0]
        if facts is not None and matches_access_code(access_code.strip(), worker_id, facts.access_code_hash):
            return worker_id
    raise Problem(
        403,
        "Tiket atau kode akses salah",
        "Nomor tiket dan kode akses tidak cocok.",
        field="access_code",
        remedy="Periksa kembali keduanya pada pesan yang Anda terima saat mendaftar.",
    )


def _closed(offer: Offer) -> Problem:
    """Return why an offer cannot be answered any more."""
    if offer.state in ("accepted", "declined"):
        words = "diterima" if offer.state == "accepted" else "ditolak"
        return Problem(
            409,
            "Tawaran sudah dijawab",
            f"Tawaran ini sudah {words}.",
            field="ticket",
            remedy="Hubungi dinas perindustrian setempat bila jawaban itu keliru.",
        )
    return Problem(
        409,
        "Tawaran sudah berakhir",
        "Batas waktu menjawab tawaran ini sudah lewat; tempatnya tidak lagi dicadangkan untuk Anda.",
        field="ticket",
        remedy="Hubungi dinas perindustrian setempat untuk menanyakan kesempatan berikutnya.",
    )
