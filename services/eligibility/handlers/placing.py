"""The allocator: seat requests become offers, places in a queue, or referrals, province by province in one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    share_of,
)
from services.eligibility.domain.routes import NO_INCUBATOR_IN_PROVINCE
from services.eligibility.handlers.deciding import day_of
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.handlers.sayings import Subject, say_offered, say_referred, say_waitlisted
from services.eligibility.repository import seats as repository
from services.eligibility.repository.rows import Drafts, NewOffer, PendingRequest, Placement
from shared.contracts.envelope import derive_id
from shared.storage import Tx

MEET_SECONDS = 1.0
"""How often a process says that it places people: one small write, against a second of not knowing of a new one."""
GONE_SECONDS = 4.0
"""Who has not said so for this long is gone, and its provinces go to the others: three signs missed, and the pause of a busy loop."""
HELP_SECONDS = 2.0
"""How long a province may wait before others than its server help: nobody waits for a process that stands still or cannot keep up."""


@dataclass(slots=True)
class Allocator:
    """Works through its own share of the provinces, and helps where people wait for too long.

    Shares are equal by seats, so that no process takes all; the provinces' locks alone keep seats right.
    """

    desk: Desk
    own: frozenset[str] = frozenset()
    met_at: float = -MEET_SECONDS
    waiting_since: dict[str, float] = field(default_factory=dict)

    async def run(self) -> bool:
        """Place one batch; return whether there may be more to do at once.

        A province that another process works on is passed over.
        """
        async with self.desk.database.connection() as connection:
            await self._meet(connection)
            waiting = self._mine(await repository.find_waiting_provinces(connection))
        if not waiting:
            return False
        async with self.desk.database.transaction() as tx:
            numbers = await repository.try_provinces(tx, waiting)
            return bool(numbers) and await place_batch(tx, self.desk, numbers)

    async def _meet(self, connection: Tx) -> None:
        if time.monotonic() < self.met_at + MEET_SECONDS:
            return
        members = await repository.meet_allocators(connection, self.desk.instance, GONE_SECONDS)
        self.own = share_of(self.desk.instance, members, self.desk.reference.seats)
        self.met_at = time.monotonic()

    def _mine(self, waiting: Sequence[str]) -> list[str]:
        """Return the provinces to try: our own, and those that need help."""
        now = time.monotonic()
        self.waiting_since = {province: self.waiting_since.get(province, now) for province in waiting}
        return [p for p in waiting if p in self.own or now - self.waiting_since[p] >= HELP_SECONDS]


async def place_batch(tx: Tx, desk: Desk, last_numbers: Mapping[str, int]) -> bool:
    """Place the next requests of provinces whose locks are held; return whether there may be more.

    The boxes are opened under the locks: sector and regency rest nowhere else, and the batch is known only now.
    """
    requests = await repository.take_requests(tx, last_numbers, desk.bounds.allocate_batch)
    if not requests:
        return False
    opened = await open_facts(desk.boxes, [(request.worker_id, request.facts) for request in requests])
    people = {r.request_id: applicant_of(facts) for r, facts in zip(requests, opened, strict=True) if facts}
    asked: dict[str, list[PendingRequest]] = defaultdict(list)
    for request in requests:
        asked[request.seat_province].append(request)
    incubators = await repository.find_incubators(tx, asked)
    queues = await repository.count_queues(tx, asked)
    now = desk.clock.now()
    drafts = Drafts(now, now + desk.bounds.offer_time, {province: last_numbers[province] for province in asked})
    for province, group in asked.items():
        placed = place(_wishes(desk, group, people), incubators[province], queues[province])
        _draft(desk, drafts, group, people, {p.wish.request_id: p for p in placed})
    await repository.save_placements(tx, drafts, desk.instance)
    await desk.outbox.add(tx, drafts.events)
    # Fewer than asked for are all that wait in these provinces; who asks later wakes the allocator.
    return len(requests) == desk.bounds.allocate_batch


def offer_id_of(request_id: UUID, ordinal: int = 0) -> UUID:
    """Return the id of a request's offer; a request may be offered another seat later."""
    return derive_id(request_id, "offer", ordinal)


def _wishes(desk: Desk, requests: Sequence[PendingRequest], people: Mapping[UUID, Applicant]) -> list[Wish]:
    sectors = desk.reference.catalog.sectors
    found = [(request.request_id, people[request.request_id]) for request in requests if request.request_id in people]
    return [Wish(id_, sector_of(person.plan_kbli, sectors) or "", person.regency) for id_, person in found]


def _draft(
    desk: Desk,
    drafts: Drafts,
    requests: Sequence[PendingRequest],
    people: Mapping[UUID, Applicant],
    placed: Mapping[UUID, Placed],
) -> None:
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
