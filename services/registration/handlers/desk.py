"""What the use cases work with, and what they all derive in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from services.registration.repository.submissions import Submission
from shared.clock import JAKARTA, Clock
from shared.contracts.envelope import derive_id
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.messaging import Received
from shared.messaging.records import seen_id
from shared.security import BlindIndex, Boxes
from shared.storage import Database, Outbox

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KIND_OF = {RegistrationSubmitted: "registration", LayoffReported: "layoff"}

T = TypeVar("T", RegistrationSubmitted, LayoffReported)


@dataclass(frozen=True, slots=True)
class Desk:
    """Built once by the composition root."""

    database: Database
    boxes: Boxes
    blind: BlindIndex
    outbox: Outbox
    clock: Clock
    refusals_kept: timedelta
    """How long the contact of a refused registration stays readable, real time."""
    repeats_apart: timedelta
    """How far apart somebody is told that they are registered already, business time."""


def reference_id_of(kind: str, publisher: str, reference: str) -> UUID:
    """Return what stands for a publisher's reference in our tables: the reference itself may name somebody."""
    return derive_id(f"{publisher}\x1f{reference}", f"{kind} reference", at=_EPOCH)


def submission_of(item: Received[T]) -> Submission:
    """Return what a record or an item of a call is known by."""
    publisher = item.publisher or ""
    reference_id = reference_id_of(KIND_OF[type(item.event)], publisher, item.event.reference)
    mark = item.mark or seen_id(item.envelope, publisher)
    return Submission(mark, item.id, publisher, reference_id, item.arrived_at)


def day_of(instant: datetime) -> date:
    """Return the day in WIB, by which days of a submission are judged."""
    return instant.astimezone(JAKARTA).date()
