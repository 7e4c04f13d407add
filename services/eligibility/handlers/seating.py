"""Where people go in provinces whose locks are held: to an offered seat, into a queue, or to somebody else's programme."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.eligibility.domain import (
    Applicant,
    NoFit,
    Offered,
    Placed,
    Referral,
    Waitlisted,
    Wish,
    place,
    refer,
    sector_of,
)
from services.eligibility.domain.routes import NO_INCUBATOR_IN_PROVINCE
from services.eligibility.handlers.desk import Desk, day_of
from services.eligibility.handlers.sayings import Subject, say_offered, say_referred, say_waitlisted
from services.eligibility.repository import seats as repository
from services.eligibility.repository.rows import Drafts, NewOffer, PendingRequest, Placement, Places
from shared.contracts.envelope import derive_id
from shared.storage import Tx

People = Mapping[UUID, Applicant]
"""Who asks, by request; the erased are missing."""


async def place_newcomers(tx: Tx, desk: Desk, requests: Sequence[PendingRequest], people: People, now: datetime) -> Drafts:
    """Place people who ask just now, in this process's own provinces; who is left out of the result waits for an allocator.

    Left out are provinces that another process works on, and those in which somebody waits already, whom nobody may overtake. The locks
    last as long as the transaction. Requests of one moment go by their ids, as the allocator takes them.
    """
    drafts = Drafts(now, now + desk.bounds.offer_time, {})
    own = {request.seat_province for request in requests} & desk.share.provinces
    numbers = await repository.try_provinces(tx, own) if own else {}
    if not numbers:
        return drafts
    places = await repository.find_places(tx, numbers)
    free = numbers.keys() - places.waited
    drafts.numbers = {province: numbers[province] for province in free}
    _draft_all(desk, drafts, sorted(r for r in requests if r.seat_province in free), people, places)
    if drafts.placements:
        await repository.hold_seats(tx, drafts, desk.instance)
    return drafts


async def place_waiting(
    tx: Tx, desk: Desk, requests: Sequence[PendingRequest], people: People, last_numbers: Mapping[str, int]
) -> Drafts:
    """Place requests that have waited, in the order given, and write where they went."""
    now, provinces = desk.clock.now(), {request.seat_province for request in requests}
    places = await repository.find_places(tx, provinces)
    drafts = Drafts(now, now + desk.bounds.offer_time, {province: last_numbers[province] for province in provinces})
    _draft_all(desk, drafts, requests, people, places)
    await repository.save_placements(tx, drafts.placements, now)
    await repository.hold_seats(tx, drafts, desk.instance)
    return drafts


def offer_id_of(request_id: UUID, ordinal: int = 0) -> UUID:
    """Return the id of a request's offer; a request may be offered another seat later."""
    return derive_id(request_id, "offer", ordinal)


def _draft_all(desk: Desk, drafts: Drafts, requests: Sequence[PendingRequest], people: People, places: Places) -> None:
    asked: dict[str, list[PendingRequest]] = defaultdict(list)
    for request in requests:
        asked[request.seat_province].append(request)
    for province, group in asked.items():
        placed = place(_wishes(desk, group, people), places.incubators[province], places.queues[province])
        _draft(desk, drafts, group, people, {p.wish.request_id: p for p in placed})


def _wishes(desk: Desk, requests: Sequence[PendingRequest], people: People) -> list[Wish]:
    sectors = desk.reference.catalog.sectors
    found = [(request.request_id, people[request.request_id]) for request in requests if request.request_id in people]
    return [Wish(id_, sector_of(person.plan_kbli, sectors) or "", person.regency) for id_, person in found]


def _draft(desk: Desk, drafts: Drafts, requests: Sequence[PendingRequest], people: People, placed: Mapping[UUID, Placed]) -> None:
    for request in requests:
        drafts.numbers[request.seat_province] += 1
        placement = placed.get(request.request_id)
        if placement is None:
            number = drafts.numbers[request.seat_province]
            drafts.add(Placement(request.request_id, request.seat_province, "erased", request.programme, number=number))
        elif isinstance(placement, NoFit):
            _refer(desk, drafts, request, people[request.request_id])
        else:
            _seat(drafts, request, placement)


def _seat(drafts: Drafts, request: PendingRequest, placed: Offered | Waitlisted) -> None:
    number, sector = drafts.numbers[request.seat_province], placed.wish.sector
    id_, province = request.request_id, request.seat_province
    if isinstance(placed, Waitlisted):
        waitlisted = Placement(id_, province, "waitlisted", "wub", sector=sector, position=placed.position, number=number)
        drafts.add(waitlisted, say_waitlisted(_subject(request), id_, placed.position))
        return
    offer = NewOffer(offer_id_of(id_), id_, request.worker_id, placed.incubator.code, request.seat_province)
    drafts.offers.append(offer)
    event = say_offered(_subject(request), offer, placed.incubator.name, drafts.expires_at)
    drafts.add(Placement(id_, province, "offered", "wub", sector=sector, number=number), event, offer.offer_id)


def _refer(desk: Desk, drafts: Drafts, request: PendingRequest, person: Applicant) -> None:
    referral: Referral = refer(person, desk.reference.catalog, day_of(drafts.now), NO_INCUBATOR_IN_PROVINCE)
    sector = sector_of(person.plan_kbli, desk.reference.catalog.sectors)
    number = drafts.numbers[request.seat_province]
    drafts.add(
        Placement(
            request.request_id,
            request.seat_province,
            "referred",
            referral.programme,
            sector=sector,
            number=number,
            referred_to=referral.code,
        ),
        say_referred(_subject(request), request.request_id, referral),
    )


def _subject(request: PendingRequest) -> Subject:
    return Subject(request.worker_id, request.facts_version, request.contact_version, request.province, request.contact)
