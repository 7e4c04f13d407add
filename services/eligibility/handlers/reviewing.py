"""Staff look into what the policy could not decide, and decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from services.eligibility.domain import Referral, route
from services.eligibility.handlers.deciding import programme_of, request_for, request_id_of
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.handlers.sayings import Subject, say_confirmed, say_denied, say_referred
from services.eligibility.repository import decisions as repository
from services.eligibility.repository.rows import Review
from shared.contracts.boxes import Facts
from shared.contracts.envelope import Event
from shared.contracts.notification import TaskCompleted
from shared.messaging import ERASED, HANDLED, SUPERSEDED, DeadLetter, Handled, Outcome, Received
from shared.security import Caller
from shared.service import Problem
from shared.storage import Outgoing, Tx

KIND = "eligibility_review"
IGNORED = Handled("ignored")
REPEAT = Handled("repeat")
REVIEW_UNKNOWN = DeadLetter("review_unknown", "case_id")
ROLES = ("reviewer", "staff")
"""Who may look into a review: those who may do its task."""
APPROVED, REJECTED = "approved_by_staff", "rejected_by_staff"


@dataclass(frozen=True, slots=True)
class Case:
    """A review with where its worker would go; `destination` is None for the erased."""

    review: Review
    destination: str | Referral | None


Cases: TypeAlias = Mapping[UUID, Case]


async def open_cases(desk: Desk, batch: Sequence[Received[TaskCompleted]]) -> dict[UUID, Case]:
    """Find the reviews that staff have decided, and where their workers would go."""
    wanted = {item.event.case_id for item in batch if item.event.kind == KIND}
    async with desk.database.connection() as connection:
        reviews = list((await repository.find_reviews(connection, wanted)).values())
    opened = await open_facts(desk.boxes, [(review.worker_id, review.facts) for review in reviews])
    catalog = desk.reference.catalog
    return {
        review.review_id: Case(review, route(applicant_of(facts), catalog, review.decided_on) if facts else None)
        for review, facts in zip(reviews, opened, strict=True)
    }


async def decide_reviews(tx: Tx, desk: Desk, batch: Sequence[Received[TaskCompleted]], cases: Cases) -> list[Outcome]:
    """Store what staff decided, each review once, and say it."""
    now = desk.clock.now()
    states = await repository.lock_reviews(tx, set(cases))
    outcomes = [_settle(item.event, cases, states) for item in batch]
    decided = [(item, cases[item.event.case_id]) for item, outcome in zip(batch, outcomes, strict=True) if outcome is HANDLED]
    verdicts = {item.event.case_id: (_state(item.event), item.event.person, item.event.reason) for item, _ in decided}
    await repository.close_reviews(tx, verdicts, now)
    approved = [(item, case) for item, case in decided if item.event.outcome == "approve"]
    requests = [
        request_for(request_id_of(item.id), case.review.decision_id, _subject(case.review), case.destination)
        for item, case in approved
        if case.destination is not None
    ]
    placed = await repository.add_requests(tx, requests, now)
    said = [Outgoing(_announce(item.event, case), item.id, now) for item, case in decided]
    said += [
        Outgoing(say_referred(_subject(case.review), request_id_of(item.id), case.destination), request_id_of(item.id), now)
        for item, case in approved
        if isinstance(case.destination, Referral) and request_id_of(item.id) in placed
    ]
    await desk.outbox.add(tx, said)
    return outcomes


async def show_review(desk: Desk, caller: Caller, review_id: UUID) -> dict[str, Any]:
    """Return what the dinas needs to decide a review, and record that this person saw it.

    Raises Problem where there is no such review, where it is another region's, or where the person was erased.
    """
    async with desk.database.connection() as connection:
        review = (await repository.find_reviews(connection, [review_id])).get(review_id)
    if review is None:
        raise Problem(404, "Peninjauan tidak ditemukan", "Tidak ada peninjauan dengan nomor ini.", field="review_id")
    if not any(caller.may(role, review.dinas) for role in ROLES):
        raise Problem(
            403,
            "Bukan wewenang Anda",
            "Peninjauan ini milik dinas lain.",
            field="Authorization",
            remedy="Buka daftar tugas Anda; peninjauan yang boleh Anda lihat ada di sana.",
        )
    facts = (await open_facts(desk.boxes, [(review.worker_id, review.facts)]))[0]
    async with desk.database.transaction() as tx:
        await repository.add_review_read(tx, review_id, caller.person, desk.clock.now())
    if facts is None:
        raise Problem(410, "Data sudah dihapus", "Data pendaftar ini sudah dihapus atas permintaannya.", field="review_id")
    return _shown(desk, review, facts)


def _shown(desk: Desk, review: Review, facts: Facts) -> dict[str, Any]:
    """Return the review as staff read it; the access code's digest and the ticket are nobody's business here."""
    return {
        "review_id": review.review_id,
        "state": review.state,
        "dinas": review.dinas,
        "opened_at": review.opened_at,
        "due_at": review.due_at,
        "registered_on": review.decided_on,
        "policy": review.policy,
        "score": review.score,
        "reasons": [
            {"code": code, "sentence": sentence}
            for code, sentence in zip(review.reasons, desk.book.say(review.reasons), strict=True)
        ],
        "facts": facts.model_dump(mode="json", exclude={"access_code_hash", "ticket"}),
    }


def _settle(event: TaskCompleted, cases: Cases, states: Mapping[UUID, str]) -> Outcome:
    if event.kind != KIND:
        return IGNORED
    case = cases.get(event.case_id)
    if case is None or case.review.worker_id != event.about:
        return REVIEW_UNKNOWN
    if case.destination is None:
        return ERASED
    state = states[event.case_id]
    if state == "superseded" or case.review.is_outdated:
        return SUPERSEDED
    return HANDLED if state == "open" else REPEAT


def _state(event: TaskCompleted) -> str:
    return "approved" if event.outcome == "approve" else "rejected"


def _subject(review: Review) -> Subject:
    return Subject(review.worker_id, review.facts_version, review.contact_version, review.province, review.contact)


def _announce(event: TaskCompleted, case: Case) -> Event:
    """Return the decision as the person hears it; the reason that staff chose stays with the review."""
    review, is_approved = case.review, event.outcome == "approve"
    decision = {
        "decision_id": review.decision_id,
        "policy": review.policy,
        "programme": programme_of(case.destination) if is_approved and case.destination is not None else review.programme,
        "reasons": [APPROVED] if is_approved else [REJECTED, *review.reasons],
    }
    if is_approved:
        return say_confirmed(_subject(review), decision, review.score, "staff")
    return say_denied(_subject(review), decision, "staff")
