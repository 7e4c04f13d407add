"""Rows as the use cases see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.eligibility.domain import Judgement


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker with the sealed boxes as they came."""

    worker_id: UUID
    ticket_digest: bytes
    province: str
    facts_version: int
    contact_version: int
    facts: str
    contact: str
    is_erased: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What a policy decided, with everything needed to decide the same again."""

    decision_id: UUID
    worker_id: UUID
    facts_version: int
    event_id: UUID
    policy: str
    policy_digest: str
    programme: str
    judgement: Judgement
    facts: str
    decided_on: date


@dataclass(frozen=True, slots=True)
class Review:
    """A question to a dinas, with the decision that asked it."""

    review_id: UUID
    decision_id: UUID
    worker_id: UUID
    dinas: str
    state: str
    opened_at: datetime
    due_at: datetime
    facts_version: int
    policy: str
    programme: str
    score: int
    reasons: Sequence[str]
    facts: str
    decided_on: date
    province: str
    contact: str
    contact_version: int
    known_version: int

    @property
    def is_outdated(self) -> bool:
        """Whether newer facts of the worker are known."""
        return self.known_version > self.facts_version


@dataclass(frozen=True, slots=True)
class Request:
    """A seat request, or a referral made at once (`referred_to`)."""

    request_id: UUID
    worker_id: UUID
    decision_id: UUID
    facts_version: int
    province: str
    programme: str
    referred_to: str | None


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request that the allocator takes, with the worker's boxes as known now."""

    request_id: UUID
    worker_id: UUID
    facts_version: int
    programme: str
    facts: str
    contact: str
    contact_version: int
    province: str
    seat_province: str
    """The province whose seats were asked for."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a request went."""

    request_id: UUID
    province: str
    state: str
    programme: str
    sector: str | None = None
    position: int | None = None
    number: int | None = None
    referred_to: str | None = None


@dataclass(frozen=True, slots=True)
class NewOffer:
    """A seat to be held."""

    offer_id: UUID
    request_id: UUID
    worker_id: UUID
    incubator: str
    province: str


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer with what its events need."""

    offer_id: UUID
    request_id: UUID
    worker_id: UUID
    province: str
    incubator: str
    incubator_name: str
    state: str
    expires_at: datetime
    programme: Any
    facts_version: int
    contact: str
    contact_version: int
