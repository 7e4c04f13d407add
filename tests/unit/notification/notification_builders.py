"""Events as notification hears them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.boxes import Company, Contact
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
from shared.contracts.registration import Reason, RegistrationRefused, RegistrationRepeated, WorkerRegistered
from shared.contracts.reporting import FilingAccepted, FilingMissed, FilingReturned, PermitWarned

NOON = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
"""Twelve o'clock in Jakarta, on a Tuesday."""


def a_contact(**changes: Any) -> Contact:
    known = {
        "name": "Siti Rahmawati",
        "phone": "0812-3456-7890",
        "email": "siti@contoh.id",
        "ticket": "RNT-7KQ2-M4XP",
        "access_code": "H7K2M9QA",
    }
    return Contact.model_validate(known | changes)


def a_company(**changes: Any) -> Company:
    known = {"company": "PT Tenun Jaya", "name": "Budi Santoso", "phone": "+6281122334455", "email": "iomki@tenunjaya.co.id"}
    return Company.model_validate(known | changes)


def one_of_each(worker: UUID, permit: UUID, *, contact: str = "v1.AA", company: str = "v1.AA") -> list[Event]:
    """One event of every kind that tells somebody something."""
    versions: dict[str, Any] = {"worker_id": worker, "facts_version": 1, "contact_version": 1, "contact": contact}
    about: dict[str, Any] = versions | {"province": "32"}
    decided: dict[str, Any] = about | {"decision_id": uuid4(), "policy": "wub@2026-01-01", "programme": "wub"}
    placed: dict[str, Any] = about | {"request_id": uuid4(), "programme": "wub"}
    filed: dict[str, Any] = {"permit_id": permit, "permit_number": "IOMKI-0007", "company": company, "due_on": date(2026, 11, 20)}
    seat: dict[str, Any] = {"offer_id": uuid4(), "incubator": "bdi-jkt"}
    return [
        WorkerRegistered(ticket="RNT-7KQ2-M4XP", facts="v1.AA", **about),
        RegistrationRefused(reference_id=worker, reasons=[Reason(code="SOME_CODE", field="nik")], contact=contact),
        RegistrationRepeated(worker_id=worker, contact_version=1, contact=contact),
        a_review(worker, contact=contact),
        EligibilityConfirmed(reasons=[], score=80, decided_by="policy", **decided),
        EligibilityDenied(reasons=["SOME_CODE", "OTHER_CODE"], decided_by="staff", **decided),
        SeatOffered(incubator_name="BDI Jakarta", expires_at=NOON.replace(year=2027), **seat, **placed),
        WorkerWaitlisted(position=3, **placed),
        WorkerReferred(referred_to="blk", referred_to_name="BLK Bandung", reasons=["SOME_CODE"], **placed),
        OfferAccepted(incubator_name="BDI Jakarta", **seat, **placed),
        OfferExpired(**seat, **placed),
        FilingAccepted(filing_id=uuid4(), is_late=True, **filed),
        FilingReturned(filing_id=uuid4(), reasons=[Reason(code="FIELD_MISSING", field="vaccinated")], **filed),
        FilingMissed(deadline=NOON, **filed),
        PermitWarned(
            warning_id=uuid4(),
            number=1,
            missed=[date(2026, 11, 17), date(2026, 11, 20)],
            permit_id=permit,
            permit_number="IOMKI-0007",
            company=company,
        ),
    ]


def a_review(worker: UUID, *, contact: str = "v1.AA", dinas: str = "32.73", due_at: datetime = NOON) -> ReviewAsked:
    """A case that staff must decide."""
    return ReviewAsked(
        worker_id=worker,
        facts_version=1,
        contact_version=1,
        province=dinas[:2],
        contact=contact,
        decision_id=uuid4(),
        policy="wub@2026-01-01",
        programme="wub",
        reasons=["LAYOFF_UNPROVEN"],
        review_id=uuid4(),
        dinas=dinas,
        due_at=due_at,
        link="/reviews/1",
    )
