"""A registered worker becomes a decision, and a confirmed one a seat request or a referral."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from uuid import UUID

from services.eligibility.domain import Applicant, Judgement, Outcome, Referral, judge, route, view_for_rules
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.handlers.sayings import Subject, say_confirmed, say_denied, say_referred, say_review
from services.eligibility.policies import Policy
from services.eligibility.repository import decisions as repository
from services.eligibility.repository.rows import Decision, Request, Worker
from shared.clock import JAKARTA
from shared.contracts.envelope import Event, derive_id
from shared.contracts.registration import WorkerRegistered
from shared.messaging import ERASED, HANDLED, SUPERSEDED, Handled, Received
from shared.messaging import Outcome as Settled
from shared.storage import Outgoing, Tx

REPEAT = Handled("repeat")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy in force says of one person. `destination` is an incubator sector or a referral."""

    policy: Policy
    on: date
    dinas: str
    judgement: Judgement
    destination: str | Referral

    @property
    def programme(self) -> str:
        """Return the programme that the decision names."""
        return programme_of(self.destination) if self.judgement.outcome is Outcome.CONFIRMED else "wub"


Rulings: TypeAlias = Mapping[UUID, Ruling | None]


async def rule_on_workers(desk: Desk, batch: Sequence[Received[WorkerRegistered]]) -> dict[UUID, Ruling | None]:
    """Open the facts of a batch and apply the rules of each registration's day; None for the erased."""
    opened = await open_facts(desk.boxes, [(item.event.worker_id, item.event.facts) for item in batch])
    return {
        item.id: None if facts is None else rule(desk, applicant_of(facts), day_of(item.envelope.time))
        for item, facts in zip(batch, opened, strict=True)
    }


def rule(desk: Desk, applicant: Applicant, on: date) -> Ruling:
    """Apply the policy in force on a day."""
    policy, catalog = desk.book.in_force(on), desk.reference.catalog
    judgement = judge(policy.evaluate(view_for_rules(applicant, on, policy.professions, catalog.sectors)), policy.bar)
    return Ruling(policy, on, applicant.regency, judgement, route(applicant, catalog, on))


def day_of(instant: datetime) -> date:
    """Return the day in Jakarta: the ministry's rules are dated there."""
    return instant.astimezone(JAKARTA).date()


def programme_of(destination: str | Referral) -> str:
    """Return the programme that somebody is sent to."""
    return "wub" if isinstance(destination, str) else destination.programme


async def decide_workers(tx: Tx, desk: Desk, batch: Sequence[Received[WorkerRegistered]], rulings: Rulings) -> list[Settled]:
    """Store decisions on facts that are news, and say them; the same or older facts change nothing."""
    now = desk.clock.now()
    news = await repository.save_workers(tx, [_worker(item.event, rulings[item.id]) for item in batch], now)
    old = {item.event.worker_id for item in batch} - news
    known = await repository.find_versions(tx, old) if old else {}
    fresh = [(item, ruling) for item in batch if (ruling := rulings[item.id]) and item.event.worker_id in news]
    await repository.add_decisions(tx, [_decision(item, ruling) for item, ruling in fresh], now)
    asked = [(item, ruling) for item, ruling in fresh if ruling.judgement.outcome is Outcome.REVIEW]
    reviews = [(review_id_of(item.id), decision_id_of(item.id), item.event.worker_id, ruling.dinas) for item, ruling in asked]
    await repository.add_reviews(tx, reviews, now, now + desk.bounds.review_time)
    confirmed = [(item, ruling) for item, ruling in fresh if ruling.judgement.outcome is Outcome.CONFIRMED]
    requests = [request_for(item.id, subject_of(item), ruling.destination) for item, ruling in confirmed]
    placed = await repository.add_requests(tx, requests, now)
    said = [Outgoing(_announce(desk, item, ruling, now), item.id, now) for item, ruling in fresh]
    said += [
        Outgoing(say_referred(subject_of(item), request_id_of(item.id), ruling.destination), request_id_of(item.id), now)
        for item, ruling in confirmed
        if isinstance(ruling.destination, Referral) and request_id_of(item.id) in placed
    ]
    await desk.outbox.add(tx, said)
    return [_settle(item.event, rulings[item.id], known, news) for item in batch]


def subject_of(item: Received[WorkerRegistered]) -> Subject:
    """Return whom events about this registration are about."""
    event = item.event
    return Subject(event.worker_id, event.facts_version, event.contact_version, event.province, event.contact)


def decision_id_of(cause: UUID) -> UUID:
    """Return the id of the decision that an event led to."""
    return derive_id(cause, "decision")


def review_id_of(cause: UUID) -> UUID:
    """Return the id of the review that an event led to."""
    return derive_id(cause, "review")


def request_id_of(cause: UUID) -> UUID:
    """Return the id of the seat request that a confirmation led to."""
    return derive_id(cause, "seat_request")


def request_for(cause: UUID, subject: Subject, destination: str | Referral, *, decision_id: UUID | None = None) -> Request:
    """Return the seat request of somebody who was confirmed, or the referral where no seat is asked for."""
    referred_to = destination.code if isinstance(destination, Referral) else None
    return Request(
        request_id=request_id_of(cause),
        worker_id=subject.worker_id,
        decision_id=decision_id or decision_id_of(cause),
        facts_version=subject.facts_version,
        province=subject.province,
        programme=programme_of(destination),
        referred_to=referred_to,
    )


def ticket_digest(ticket: str) -> bytes:
    """Return what a ticket is found by; the ticket itself is not kept."""
    return hashlib.sha256(ticket.strip().upper().encode()).digest()


def _worker(event: WorkerRegistered, ruling: Ruling | None) -> Worker:
    return Worker(
        event.worker_id,
        ticket_digest(event.ticket),
        event.province,
        event.facts_version,
        event.contact_version,
        event.facts,
        event.contact,
        ruling is None,
    )


def _decision(item: Received[WorkerRegistered], ruling: Ruling) -> Decision:
    return Decision(
        decision_id=decision_id_of(item.id),
        worker_id=item.event.worker_id,
        facts_version=item.event.facts_version,
        event_id=item.id,
        policy=ruling.policy.name,
        policy_digest=ruling.policy.digest,
        programme=ruling.programme,
        judgement=ruling.judgement,
        facts=item.event.facts,
        decided_on=ruling.on,
    )


def _announce(desk: Desk, item: Received[WorkerRegistered], ruling: Ruling, now: datetime) -> Event:
    subject, judgement = subject_of(item), ruling.judgement
    decision = {
        "decision_id": decision_id_of(item.id),
        "policy": ruling.policy.name,
        "programme": ruling.programme,
        "reasons": list(judgement.reasons),
    }
    if judgement.outcome is Outcome.CONFIRMED:
        return say_confirmed(subject, decision, judgement.score, "policy")
    if judgement.outcome is Outcome.DENIED:
        return say_denied(subject, decision, "policy")
    return say_review(subject, decision, review_id_of(item.id), ruling.dinas, now + desk.bounds.review_time)


def _settle(event: WorkerRegistered, ruling: Ruling | None, known: Mapping[UUID, int], news: set[UUID]) -> Settled:
    if event.worker_id not in news:
        return SUPERSEDED if known[event.worker_id] > event.facts_version else REPEAT
    return ERASED if ruling is None else HANDLED
