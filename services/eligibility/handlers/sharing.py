"""The provinces that fall to this process, as long as it says that it is there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from services.eligibility.domain import share_of
from services.eligibility.repository import seats as repository
from shared.storage import Tx

MEET_SECONDS = 1.0
"""How often a process says that it places people: one small write, against a second of not knowing of a new one."""
GONE_SECONDS = 4.0
"""Who has not said so for this long is gone, and its provinces go to the others: three signs missed, and the pause of a busy loop."""


@dataclass(slots=True)
class Share:
    """A process's provinces as it last knew them. They may be another's by now: the provinces' locks alone keep seats right."""

    provinces: frozenset[str] = frozenset()
    met_at: float = -MEET_SECONDS

    async def renew(self, tx: Tx, member: str, seats: Mapping[str, int]) -> None:
        """Say that the process is there, and see who else is, once in `MEET_SECONDS`. `seats` are each province's."""
        if time.monotonic() < self.met_at + MEET_SECONDS:
            return
        members = await repository.meet_allocators(tx, member, GONE_SECONDS)
        self.provinces = share_of(member, members, seats)
        self.met_at = time.monotonic()
