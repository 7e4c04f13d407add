"""Events that eligibility publishes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.envelope import Event, SealedBox

Programme = Literal["wub", "diklat_3in1", "rujukan"]
"""`wub`: new entrepreneurs (wirausaha baru); `diklat_3in1`: training, certificate and placement; `rujukan`: referral."""


class WorkerEvent(Event):
    """An event about one worker, with the versions of the facts and the contact it rests on."""

    worker_id: UUID
    facts_version: int
    contact_version: int
    province: str
    contact: SealedBox

    def key(self) -> str:
        """Return the worker id."""
        return str(self.worker_id)


class Decision(WorkerEvent):
    """What every decision carries."""

    TOPIC: ClassVar[str] = "eligibility.decisions"

    decision_id: UUID
    policy: str = Field(description="Name and version of the policy, such as wub@2020-05-08.")
    programme: Programme
    reasons: list[str] = Field(description="Reason codes of the rules that matched.")


class EligibilityConfirmed(Decision):
    """The worker is eligible."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.decision.confirmed.v1"

    score: int
    decided_by: Literal["policy", "staff"]


class EligibilityDenied(Decision):
    """The worker is not eligible, for these reasons."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.decision.denied.v1"

    decided_by: Literal["policy", "staff"]


class ReviewAsked(Decision):
    """The policy cannot decide; a person must. Details are served by eligibility under `link`."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.decision.review_asked.v1"

    review_id: UUID
    dinas: str = Field(description="Regency code of the dinas that should look.")
    due_at: datetime
    link: str


class Placement(WorkerEvent):
    """What every placement event carries."""

    TOPIC: ClassVar[str] = "eligibility.placements"

    request_id: UUID
    programme: Programme


class SeatOffered(Placement):
    """An incubator seat is held for the worker until `expires_at`."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.offered.v1"

    offer_id: UUID
    incubator: str
    incubator_name: str
    expires_at: datetime


class WorkerWaitlisted(Placement):
    """All fitting seats are taken; the worker waits at `position` (1 is next)."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.waitlisted.v1"

    position: int = Field(ge=1)


class OfferAccepted(Placement):
    """The worker took the seat."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.accepted.v1"

    offer_id: UUID
    incubator: str
    incubator_name: str


class OfferDeclined(Placement):
    """The worker gave the seat back."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.declined.v1"

    offer_id: UUID
    incubator: str


class OfferExpired(Placement):
    """The worker did not answer in time; the seat is free again."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.expired.v1"

    offer_id: UUID
    incubator: str


class WorkerReferred(Placement):
    """No incubator fits; the worker is referred to training or to a named other programme."""

    TYPE: ClassVar[str] = "id.rintis.eligibility.placement.referred.v1"

    referred_to: str = Field(description="Code of the training centre or of the other programme.")
    referred_to_name: str
    reasons: list[str] = Field(default_factory=list)
