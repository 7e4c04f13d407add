"""A registered worker becomes a decision, and a confirmed one gets a seat, a place in a queue or a referral where that can be said at once."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.eligibility.domain import Applicant, Judgement, Outcome, Referral, judge, route, view_for_rules
from services.eligibility.handlers.desk import Desk, day_of
from services.eligibility.handlers.facts import applicant_of, open_facts
from services.eligibility.handlers.sayings import Subject, say_confirmed, say_denied, say_referred, say_review
from services.eligibility.handlers.seating import place_newcomers
from services.eligibility.policies import Policy
from services.eligibility.repository import decisions as repository
from services.eligibility.repository.rows import Decision, Drafts, PendingRequest, Request, Worker
from shared.contracts.envelope import Event, derive_id
from shared.contracts.registration import WorkerRegistered
from shared.messaging import ERASED, HANDLED, SUPERSEDED, Handled, Received
from shared.messaging import Outcome as Settled
from shared.storage import Outgoing, Tx

REPEAT = Handled("repeat")


class Ruling(NamedTuple):
    """What the policy in force says of one person. `destination` is an incubator sector or a referral."""

    policy: Policy
    on: date
    person: Applicant
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
    asked: dict[date, dict[UUID, Applicant]] = defaultdict(dict)
    for item, facts in zip(batch, opened, strict=True):
        if facts is not None:
            asked[day_of(item.envelope.time)][item.id] = applicant_of(facts)
    rulings: dict[UUID, Ruling | None] = {item.id: None for item in batch}
    for on, people in asked.items():
        rulings |= zip(people, rule(desk, list(people.values()), on), strict=True)
    return rulings


def rule(desk: Desk, people: Sequence[Applicant], on: date) -> list[Ruling]:
    """Apply the policy in force on a day to the people of that day, in order."""
    policy, catalog = desk.book.in_force(on), desk.reference.catalog
    matched = policy.evaluate([view_for_rules(person, on, policy.professions, catalog.sectors) for person in people])
    return [
        Ruling(policy, on, person, judge(matches, policy.bar), route(person, catalog, on))
        for person, matches in zip(people, matched, strict=True)
    ]


def programme_of(destination: str | Referral) -> str:
    """Return the programme that somebody is sent to."""
    return "wub" if isinstance(destination, str) else destination.programme


@dataclass(slots=True)
class Fresh:
    """A registration that is news, with its ruling and the ids that follow from it. Not to be changed."""

    item: Received[WorkerRegistered]
    ruling: Ruling
    subject: Subject
    decision_id: UUID
    asked_id: UUID
    """The id of the seat request where the worker was confirmed, else of the review."""


async def decide_workers(tx: Tx, desk: Desk, batch: Sequence[Received[WorkerRegistered]], rulings: Rulings) -> list[Settled]:
    """Store decisions on facts that are news, and say them; the same or older facts change nothing."""
    now = desk.clock.now()
    news = await repository.save_workers(tx, [_worker(item.event, rulings[item.id]) for item in batch], now)
    old = {item.event.worker_id for item in batch} - news
    known = await repository.find_versions(tx, old) if old else {}
    fresh = [_fresh(item, ruling) for item in batch if (ruling := rulings[item.id]) and item.event.worker_id in news]
    await repository.add_decisions(tx, [_decision(case) for case in fresh], now)
    asked = [case for case in fresh if case.ruling.judgement.outcome is Outcome.REVIEW]
    reviews = [(case.asked_id, case.decision_id, case.subject.worker_id, case.ruling.person.regency) for case in asked]
    await repository.add_reviews(tx, reviews, now, now + desk.bounds.review_time)
    confirmed = [case for case in fresh if case.ruling.judgement.outcome is Outcome.CONFIRMED]
    said = [Outgoing(_announce(desk, case, now), case.item.id, now) for case in fresh]
    said += await _ask(tx, desk, confirmed, now)
    await desk.outbox.add(tx, said)
    return [_settle(item.event, rulings[item.id], known, news) for item in batch]


async def _ask(tx: Tx, desk: Desk, confirmed: Sequence[Fresh], now: datetime) -> list[Outgoing]:
    """Store what confirmed people ask for, and where they went who could be placed at once; return what is to be said of it."""
    drafts = await _place_at_once(tx, desk, confirmed, now)
    placements = {placement.request_id: placement for placement in drafts.placements}
    requests = [request_for(case.asked_id, case.decision_id, case.subject, case.ruling.destination) for case in confirmed]
    stored = await repository.add_requests(
        tx, [r.placed(placements[r.request_id]) if r.request_id in placements else r for r in requests], now
    )
    if not placements.keys() <= stored:
        raise RuntimeError("a seat was given for a request that was there before its worker's first facts")
    referred = [
        Outgoing(say_referred(case.subject, case.asked_id, case.ruling.destination), case.asked_id, now)
        for case in confirmed
        if isinstance(case.ruling.destination, Referral) and case.asked_id in stored
    ]
    return referred + drafts.events


async def _place_at_once(tx: Tx, desk: Desk, confirmed: Sequence[Fresh], now: datetime) -> Drafts:
    """Place those who ask for a seat and were never heard of before; others may have a request that stands."""
    new = [case for case in confirmed if isinstance(case.ruling.destination, str) and case.subject.facts_version == 1]
    people = {case.asked_id: case.ruling.person for case in new}
    return await place_newcomers(tx, desk, [_pending(case) for case in new], people, now)


def request_id_of(cause: UUID) -> UUID:
    """Return the id of the seat request that a confirmation led to."""
    return derive_id(cause, "seat_request")


def request_for(request_id: UUID, decision_id: UUID, subject: Subject, destination: str | Referral) -> Request:
    """Return the seat request of somebody who was confirmed, or the referral where no seat is asked for."""
    referred_to = destination.code if isinstance(destination, Referral) else None
    return Request(
        request_id=request_id,
        worker_id=subject.worker_id,
        decision_id=decision_id,
        facts_version=subject.facts_version,
        province=subject.province,
        programme=programme_of(destination),
        state="referred" if referred_to else "requested",
        referred_to=referred_to,
    )


def ticket_digest(ticket: str) -> bytes:
    """Return what a ticket is found by; the ticket itself is not kept."""
    return hashlib.sha256(ticket.strip().upper().encode()).digest()


def _fresh(item: Received[WorkerRegistered], ruling: Ruling) -> Fresh:
    event = item.event
    is_confirmed = ruling.judgement.outcome is Outcome.CONFIRMED
    return Fresh(
        item,
        ruling,
        Subject(event.worker_id, event.facts_version, event.contact_version, event.province, event.contact),
        derive_id(item.id, "decision"),
        request_id_of(item.id) if is_confirmed else derive_id(item.id, "review"),
    )


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


def _pending(case: Fresh) -> PendingRequest:
    event = case.item.event
    return PendingRequest(
        request_id=case.asked_id,
        worker_id=event.worker_id,
        facts_version=event.facts_version,
        programme=case.ruling.programme,
        facts=event.facts,
        contact=event.contact,
        contact_version=event.contact_version,
        province=event.province,
        seat_province=event.province,
    )


def _decision(case: Fresh) -> Decision:
    item, ruling = case.item, case.ruling
    return Decision(
        decision_id=case.decision_id,
        worker_id=item.event.worker_id,
        facts_version=item.event.facts_version,
        event_id=item.id,
        policy=ruling.policy.name,
        policy_digest=ruling.policy.digest,
        programme=ruling.programme,
        judgement=ruling.judgement,
        facts=item.event.facts if ruling.judgement.outcome is Outcome.REVIEW else None,
        decided_on=ruling.on,
    )


def _announce(desk: Desk, case: Fresh, now: datetime) -> Event:
    ruling, judgement = case.ruling, case.ruling.judgement
    decision = {
        "decision_id": case.decision_id,
        "policy": ruling.policy.name,
        "programme": ruling.programme,
        "reasons": list(judgement.reasons),
    }
    if judgement.outcome is Outcome.CONFIRMED:
        return say_confirmed(case.subject, decision, judgement.score, "policy")
    if judgement.outcome is Outcome.DENIED:
        return say_denied(case.subject, decision, "policy")
    return say_review(case.subject, decision, case.asked_id, ruling.person.regency, now + desk.bounds.review_time)


def _settle(event: WorkerRegistered, ruling: Ruling | None, known: Mapping[UUID, int], news: set[UUID]) -> Settled:
    if event.worker_id not in news:
        return SUPERSEDED if known[event.worker_id] > event.facts_version else REPEAT
    return ERASED if ruling is None else HANDLED
