"""Rows as the use cases see them; those that come by the batch are tuples, made in a third of a dataclass' time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.eligibility.domain import Incubator, Judgement
from shared.contracts.envelope import Event
from shared.storage import Outgoing


class Worker(NamedTuple):
    """A worker with the sealed boxes as they came."""

    worker_id: UUID
    ticket_digest: bytes
    province: str
    facts_version: int
    contact_version: int
    facts: str
    contact: str
    is_erased: bool


class Decision(NamedTuple):
    """What a policy decided, with everything needed to decide the same again."""

    decision_id: UUID
    worker_id: UUID
    facts_version: int
    event_id: UUID
    policy: str
    policy_digest: str
    programme: str
    judgement: Judgement
    facts: str | None
    """The sealed box that was decided on; None where it rests with the worker, until newer facts come."""
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


class Request(NamedTuple):
    """A seat request: waiting to be placed ("requested"), or placed already by the transaction that writes it."""

    request_id: UUID
    worker_id: UUID
    decision_id: UUID
    facts_version: int
    province: str
    programme: str
    state: str
    referred_to: str | None
    sector: str | None = None
    position: int | None = None
    number: int | None = None

    def placed(self, placement: Placement) -> Request:
        """Return the request as it is once it has been placed."""
        return self._replace(
            programme=placement.programme,
            state=placement.state,
            referred_to=placement.referred_to,
            sector=placement.sector,
            position=placement.position,
            number=placement.number,
        )


class PendingRequest(NamedTuple):
    """A request that is to be placed, with the worker's boxes as known now."""

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


class Placement(NamedTuple):
    """Where a request went."""

    request_id: UUID
    province: str
    state: str
    programme: str
    sector: str | None = None
    position: int | None = None
    number: int | None = None
    referred_to: str | None = None


class NewOffer(NamedTuple):
    """A seat to be held."""

    offer_id: UUID
    request_id: UUID
    worker_id: UUID
    incubator: str
    province: str


@dataclass(frozen=True, slots=True)
class Places:
    """What provinces have to give while their locks are held.

    `incubators` take people at any time; `queues` says how many wait per sector; in the `waited` ones somebody waits to be placed.
    """

    incubators: Mapping[str, Sequence[Incubator]]
    queues: Mapping[str, Mapping[str, int]]
    waited: frozenset[str]


@dataclass(slots=True)
class Drafts:
    """What one batch of placements leads to. `numbers` holds each province's last number."""

    now: datetime
    expires_at: datetime
    numbers: dict[str, int]
    placements: list[Placement] = field(default_factory=list)
    offers: list[NewOffer] = field(default_factory=list)
    events: list[Outgoing] = field(default_factory=list)

    def add(self, placement: Placement, event: Event | None = None, cause: UUID | None = None) -> None:
        """Add one placement with its event."""
        self.placements.append(placement)
        if event is not None:
            self.events.append(Outgoing(event, cause or placement.request_id, self.now))


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
