"""What the use cases work with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.eligibility.domain import Reference
from services.eligibility.handlers.sharing import Share
from services.eligibility.policies import PolicyBook
from shared.clock import JAKARTA, Clock
from shared.security import Boxes
from shared.storage import Database, Outbox


@dataclass(frozen=True, slots=True)
class Bounds:
    """Deadlines in business time, and how much is done under one hold of a province's lock."""

    offer_time: timedelta
    review_time: timedelta
    allocate_batch: int
    expire_batch: int


@dataclass(frozen=True, slots=True)
class Desk:
    """Policies, reference data, and the ways to storage, events and boxes.

    `instance` names this process in its offers, `share` its provinces.
    """

    book: PolicyBook
    reference: Reference
    clock: Clock
    database: Database
    outbox: Outbox
    boxes: Boxes
    bounds: Bounds
    instance: str
    share: Share


def day_of(instant: datetime) -> date:
    """Return the day in Jakarta: the ministry's rules are dated there."""
    return instant.astimezone(JAKARTA).date()
