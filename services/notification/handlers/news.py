"""What each event means to its person: which template tells it, and to whom. One row per event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notification.domain.messages import Channel
from shared.contracts.eligibility import (
    EligibilityConfirmed,
    EligibilityDenied,
    OfferAccepted,
    OfferExpired,
    ReviewAsked,
    SeatOffered,
    WorkerReferred,
    WorkerWaitlisted,
)
from shared.contracts.envelope import Event
from shared.contracts.registration import RegistrationRefused, RegistrationRepeated, WorkerRegistered
from shared.contracts.reporting import FilingAccepted, FilingMissed, FilingReturned, PermitWarned

BY_PHONE = (Channel.SMS, Channel.EMAIL)
"""People read an SMS; many have no e-mail."""
BY_MAIL = (Channel.EMAIL, Channel.SMS)
"""What a company has to keep."""
DECISION = "decision"
PLACEMENT = "placement"


@dataclass(frozen=True, slots=True)
class News:
    """How one type of event is told.

    `parameters` names what the template needs of the event: codes, dates, names of institutions, never a personal datum.
    News of one `thread` about the same subject is superseded by news that rests on newer facts.
    `valid_until` names the field after whose time the news is not told any more.
    """

    template: str
    parameters: tuple[str, ...] = ()
    box: str = "contact"
    subject: str = "worker_id"
    channels: tuple[Channel, ...] = BY_PHONE
    thread: str | None = None
    valid_until: str | None = None

    def subject_of(self, event: Event) -> UUID:
        """Return whose key the box is sealed under, and whom the message is about."""
        subject: UUID = getattr(event, self.subject)
        return subject

    def sealed_in(self, event: Event) -> str | None:
        """Return the sealed box with the addresses, where the event has one."""
        sealed: str | None = getattr(event, self.box)
        return sealed

    def ends_at(self, event: Event) -> datetime | None:
        """Return when the news is too old to be told."""
        return getattr(event, self.valid_until) if self.valid_until else None

    def parameters_of(self, event: Event) -> dict[str, Any]:
        """Return what the template needs, as JSON has it."""
        if not self.parameters:
            return {}
        values = event.model_dump(mode="json", include=set(self.parameters))
        if values.get("reasons"):
            values["reasons"] = [reason["code"] if isinstance(reason, dict) else reason for reason in values["reasons"]]
        return values


def _of_company(template: str, *parameters: str, channels: tuple[Channel, ...] = BY_PHONE) -> News:
    return News(template, ("permit_number", *parameters), "company", "permit_id", channels)


NEWS: Mapping[type[Event], News] = {
    WorkerRegistered: News("registered.v1"),
    RegistrationRefused: News("refused.v1", ("reasons",), subject="reference_id"),
    RegistrationRepeated: News("repeated.v1"),
    ReviewAsked: News("review_asked.v1", ("reasons", "due_at"), thread=DECISION),
    EligibilityConfirmed: News("confirmed.v1", ("programme", "reasons"), thread=DECISION),
    EligibilityDenied: News("denied.v1", ("programme", "reasons"), thread=DECISION),
    SeatOffered: News("seat_offered.v1", ("incubator_name", "expires_at"), thread=PLACEMENT, valid_until="expires_at"),
    WorkerWaitlisted: News("waitlisted.v1", ("position",), thread=PLACEMENT),
    WorkerReferred: News("referred.v1", ("referred_to_name", "reasons"), thread=PLACEMENT),
    OfferAccepted: News("offer_accepted.v1", ("incubator_name",), thread=PLACEMENT),
    OfferExpired: News("offer_expired.v1", thread=PLACEMENT),
    FilingAccepted: _of_company("filing_accepted.v1", "due_on", "is_late", channels=BY_MAIL),
    FilingReturned: _of_company("filing_returned.v1", "due_on", "reasons"),
    FilingMissed: _of_company("filing_missed.v1", "due_on", "deadline"),
    PermitWarned: _of_company("permit_warned.v1", "number", "missed"),
}
