"""Saying what happened: contract events for the outbox, each remembered so that its message's fate can be kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.reporting.domain import Decision, FilingState, Finding, Period, Permit, WrittenWarning
from services.reporting.domain.identity import warning_id_of
from services.reporting.repository.notices import Notice, add_notices
from shared.contracts.envelope import derive_id
from shared.contracts.registration import Reason
from shared.contracts.reporting import FilingAccepted, FilingMissed, FilingReturned, PermitFact, PermitWarned
from shared.storage import Outbox, Outgoing, Tx


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event about one due day of a permit, what caused it, and the filing, period or warning that it is about."""

    event: PermitFact
    cause: UUID
    due_on: date
    subject_id: UUID


async def announce(tx: Tx, outbox: Outbox, said: Sequence[Announcement], now: datetime) -> None:
    """Write events in causal order, and a notice for each."""
    event_ids = await outbox.add(tx, [Outgoing(item.event, item.cause, now) for item in said])
    notices = [
        Notice(event_id, item.event.permit_id, item.event.TYPE, item.due_on, item.subject_id)
        for event_id, item in zip(event_ids, said, strict=True)
    ]
    await add_notices(tx, notices, now)


def of_decisions(decisions: Iterable[Decision]) -> list[Announcement]:
    """Return what is said about decided reports; one that still waits is not spoken of."""
    return [_of_filing(decision, decision.permit) for decision in decisions if decision.permit and _is_final(decision)]


def of_miss(permit: Permit, period: Period, warning: WrittenWarning) -> list[Announcement]:
    """Return what is said about a missed period: the miss, then the warning for it."""
    cause = derive_id(f"{permit.permit_id}|{period.due_on}", "period", at=period.deadline)
    warning_id = warning_id_of(permit.permit_id, period.due_on)
    missed = FilingMissed(**_about(permit), due_on=period.due_on, deadline=period.deadline)
    warned = PermitWarned(**_about(permit), warning_id=warning_id, number=warning.number, missed=list(warning.missed))
    return [Announcement(missed, cause, period.due_on, cause), Announcement(warned, cause, period.due_on, warning_id)]


def _of_filing(decision: Decision, permit: Permit) -> Announcement:
    filing = decision.filing
    about = {**_about(permit), "due_on": filing.due_on, "filing_id": filing.filing_id}
    event: PermitFact
    if decision.verdict.state is FilingState.ACCEPTED:
        event = FilingAccepted(**about, is_late=decision.is_late)
    else:
        event = FilingReturned(**about, reasons=[_reason(finding) for finding in decision.verdict.errors])
    return Announcement(event, filing.cause, filing.due_on, filing.filing_id)


def _is_final(decision: Decision) -> bool:
    return decision.verdict.state in (FilingState.ACCEPTED, FilingState.RETURNED)


def _about(permit: Permit) -> dict[str, Any]:
    return {"permit_id": permit.permit_id, "permit_number": permit.number, "company": permit.company}


def _reason(finding: Finding) -> Reason:
    return Reason(code=finding.code, field=finding.field)
