"""The allocator: places those whom the decision's own transaction left waiting, province by province in one transaction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.handlers.seating import place_waiting
from services.eligibility.repository import seats as repository
from shared.storage import Tx

HELP_SECONDS = 2.0
"""How long a province may wait before others than its server help: nobody waits for a process that stands still or cannot keep up."""


@dataclass(slots=True)
class Allocator:
    """Works through its own share of the provinces, and helps where people wait for too long.

    Shares are equal by seats, so that no process takes all; the provinces' locks alone keep seats right.
    """

    desk: Desk
    waiting_since: dict[str, float] = field(default_factory=dict)

    async def run(self) -> bool:
        """Place one batch; return whether there may be more to do at once.

        A province that another process works on is passed over.
        """
        async with self.desk.database.connection() as connection:
            await self.desk.share.renew(connection, self.desk.instance, self.desk.reference.seats)
            waiting = self._mine(await repository.find_waiting_provinces(connection))
        if not waiting:
            return False
        async with self.desk.database.transaction() as tx:
            numbers = await repository.try_provinces(tx, waiting)
            return bool(numbers) and await place_batch(tx, self.desk, numbers)

    def _mine(self, waiting: Sequence[str]) -> list[str]:
        """Return the provinces to try: our own, and those that need help."""
        now, own = time.monotonic(), self.desk.share.provinces
        self.waiting_since = {province: self.waiting_since.get(province, now) for province in waiting}
        return [p for p in waiting if p in own or now - self.waiting_since[p] >= HELP_SECONDS]


async def place_batch(tx: Tx, desk: Desk, last_numbers: Mapping[str, int]) -> bool:
    """Place the next requests of provinces whose locks are held; return whether there may be more.

    The boxes are opened under the locks: sector and regency rest nowhere else, and the batch is known only now.
    """
    requests = await repository.take_requests(tx, last_numbers, desk.bounds.allocate_batch)
    if not requests:
        return False
    opened = await open_facts(desk.boxes, [(request.worker_id, request.facts) for request in requests])
    people = {r.request_id: applicant_of(facts) for r, facts in zip(requests, opened, strict=True) if facts}
    drafts = await place_waiting(tx, desk, requests, people, last_numbers)
    await desk.outbox.add(tx, drafts.events)
    # Fewer than asked for are all that wait in these provinces; who asks later wakes the allocator.
    return len(requests) == desk.bounds.allocate_batch
