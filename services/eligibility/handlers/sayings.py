"""Decisions and placements as contract events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from services.eligibility.domain import Referral
from services.eligibility.repository.rows import NewOffer, Offer
from shared.contracts.eligibility import (
    EligibilityConfirmed,
    EligibilityDenied,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    ReviewAsked,
    SeatOffered,
    WorkerReferred,
    WorkerWaitlisted,
)

By = Literal["policy", "staff"]


class Subject(NamedTuple):
    """Whom an event is about, and the versions it rests on. `contact` is passed on unopened."""

    worker_id: UUID
    facts_version: int
    contact_version: int
    province: str
    contact: str


def say_confirmed(subject: Subject, decision: Mapping[str, Any], score: int, by: By) -> EligibilityConfirmed:
    """Say that a worker is eligible."""
    return EligibilityConfirmed(**subject._asdict(), **decision, score=score, decided_by=by)


def say_denied(subject: Subject, decision: Mapping[str, Any], by: By) -> EligibilityDenied:
    """Say that a worker is not eligible."""
    return EligibilityDenied(**subject._asdict(), **decision, decided_by=by)


def say_review(subject: Subject, decision: Mapping[str, Any], review_id: UUID, dinas: str, due_at: datetime) -> ReviewAsked:
    """Ask a dinas to decide; the link is relative to this service's address."""
    link = f"/reviews/{review_id}"
    return ReviewAsked(**subject._asdict(), **decision, review_id=review_id, dinas=dinas, due_at=due_at, link=link)


def say_referred(subject: Subject, request_id: UUID, referral: Referral) -> WorkerReferred:
    """Say where else a worker is sent."""
    return WorkerReferred(
        **subject._asdict(),
        request_id=request_id,
        programme=referral.programme,
        referred_to=referral.code,
        referred_to_name=referral.name,
        reasons=list(referral.reasons),
    )


def say_offered(subject: Subject, offer: NewOffer, incubator_name: str, expires_at: datetime) -> SeatOffered:
    """Say that a seat is held."""
    return SeatOffered(
        **subject._asdict(),
        request_id=offer.request_id,
        programme="wub",
        offer_id=offer.offer_id,
        incubator=offer.incubator,
        incubator_name=incubator_name,
        expires_at=expires_at,
    )


def say_waitlisted(subject: Subject, request_id: UUID, position: int) -> WorkerWaitlisted:
    """Say that a worker waits."""
    return WorkerWaitlisted(**subject._asdict(), request_id=request_id, programme="wub", position=position)


def say_answered(offer: Offer, state: str) -> OfferAccepted | OfferDeclined | OfferExpired:
    """Say how an offer ended: accepted, declined or expired."""
    said: dict[str, Any] = {
        "worker_id": offer.worker_id,
        "facts_version": offer.facts_version,
        "contact_version": offer.contact_version,
        "province": offer.province,
        "contact": offer.contact,
        "request_id": offer.request_id,
        "programme": offer.programme,
        "offer_id": offer.offer_id,
        "incubator": offer.incubator,
    }
    if state == "accepted":
        return OfferAccepted(**said, incubator_name=offer.incubator_name)
    return OfferDeclined(**said) if state == "declined" else OfferExpired(**said)
