"""Use case: reports that come over HTTP. Everything of one call is written in one transaction, before it is answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.reporting import metrics
from services.reporting.domain import Answers, Decision, Filing, FilingState, Finding, Permit
from services.reporting.domain.sentences import describe_filing, describe_finding
from services.reporting.handlers.desk import Desk
from services.reporting.handlers.filings import SETTLE_BATCH, filing_of, take_filings
from services.reporting.repository.doors import Call, add_answer, lock_call, remove_answers
from services.reporting.repository.filings import find_filings
from services.reporting.repository.permits import lock_permits
from shared.contracts.envelope import Envelope, derive_id
from shared.contracts.intake import FilingSubmitted
from shared.errors import RintisError
from shared.messaging.records import seen_id
from shared.security import Caller
from shared.storage import Tx, record_arrivals

DOOR = "http"

Answer = dict[str, Any]


class KeyReused(RintisError):
    """The Idempotency-Key was used for another call."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """An item that does not fit the contract."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answers to a call, one per item in order, and whether they were given before."""

    answers: list[Answer]
    is_repeat: bool = False


def source_of(publisher: str) -> str:
    """Return the CloudEvents source of what a publisher sends over HTTP; the id is the report's own reference."""
    return f"http:{publisher}"


async def file_reports(desk: Desk, caller: Caller, items: Sequence[FilingSubmitted | Malformed], call: Call | None) -> Reply:
    """Take the reports of one call. Raises KeyReused."""
    async with desk.database.transaction() as tx:
        # The lock makes the same call at the same time wait, and then find the first one's answer.
        if call is not None and (answered := await lock_call(tx, call)) is not None:
            if answered.digest != call.digest:
                raise KeyReused
            return Reply(answered.answer, is_repeat=True)
        answers = await _take(tx, desk, caller, items)
        if call is not None:
            await add_answer(tx, call, answers, desk.clock.now())
    for answer in answers:
        metrics.DOOR_FILINGS.labels(answer["state"]).inc()
    return Reply(answers)


async def forget_answers(desk: Desk, age: timedelta) -> bool:
    """Forget answers older than `age` of business time; return whether there may be more."""
    async with desk.database.transaction() as tx:
        removed = await remove_answers(tx, desk.clock.now() - age, SETTLE_BATCH)
    return removed == SETTLE_BATCH


async def _take(tx: Tx, desk: Desk, caller: Caller, items: Sequence[FilingSubmitted | Malformed]) -> list[Answer]:
    events = [item for item in items if isinstance(item, FilingSubmitted)]
    permits = await lock_permits(tx, {event.permit_number for event in events})
    # Read after the lock: whoever closes a period holds it too, so a report is either counted before that or late.
    now = desk.clock.now()
    filings = [_filing(event, caller.person, now) for event in events]
    known = await find_filings(tx, {filing.submission_id for filing in filings})
    fresh: dict[UUID, Filing] = {}
    for filing in filings:
        if filing.submission_id not in known and _is_covered(caller, permits.get(filing.permit_number)):
            fresh.setdefault(filing.submission_id, filing)
    taken = await take_filings(tx, desk, list(fresh.values()), now)
    # Real time, as the flow ledger counts Kafka's intake by the broker's real time too.
    await record_arrivals(tx, DOOR, [(d.filing.cause, datetime.now(UTC), d.verdict.state.value) for d in taken.values()])
    # A repeated report is answered with what was decided about it then.
    decided = known | {decision.filing.submission_id: decision for decision in taken.values()}
    waiting = iter(filings)
    return [_refuse(item.findings) if isinstance(item, Malformed) else _answer(next(waiting), decided) for item in items]


def _filing(event: FilingSubmitted, publisher: str, now: datetime) -> Filing:
    envelope = Envelope(event.reference, source_of(publisher), FilingSubmitted.TYPE, now)
    cause = derive_id(f"{envelope.source}\x1f{envelope.id}", "intake", at=now)
    return filing_of(event, submission_id=seen_id(envelope, publisher), cause=cause, publisher=publisher, arrived_at=now)


def _is_covered(caller: Caller, permit: Permit | None) -> bool:
    return permit is None or caller.covers(permit.regency)


def _answer(filing: Filing, decided: Mapping[UUID, Decision]) -> Answer:
    decision = decided.get(filing.submission_id)
    if decision is None:
        return _refuse([Finding("OUTSIDE_REGION", "permit_number")])
    if _content(decision.filing) != _content(filing):
        return _refuse([Finding("REFERENCE_REUSED", "reference")])
    verdict = decision.verdict
    return {
        "filing_id": str(filing.filing_id),
        "state": verdict.state.value,
        "is_late": decision.is_late,
        "detail": describe_filing(verdict.state),
        "errors": in_words(verdict.errors),
        "warnings": in_words(verdict.warnings),
    }


def _content(filing: Filing) -> tuple[str, object, str, Answers]:
    return filing.permit_number, filing.due_on, filing.form, filing.answers


def _refuse(findings: Sequence[Finding]) -> Answer:
    return {
        "filing_id": None,
        "state": FilingState.REFUSED.value,
        "is_late": False,
        "detail": describe_filing(FilingState.REFUSED),
        "errors": in_words(findings),
        "warnings": [],
    }


def in_words(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Return findings with their sentences."""
    return [{"code": f.code, "field": f.field, "detail": describe_finding(f.code)} for f in findings]
