"""Use case: registrations are accepted, refused, or found to be there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from services.registration.domain.reasons import Finding
from services.registration.domain.submissions import Verdict
from services.registration.handlers.desk import Desk
from services.registration.handlers.enrolling import Ready, Registration, prepare_registrations, refusal_id_of
from services.registration.repository.persons import Enrolment, Person, lock_known, mark_repeats_told, register_persons
from services.registration.repository.submissions import Decided, add_submissions
from shared.contracts.registration import Reason, RegistrationRefused, RegistrationRepeated, WorkerRegistered
from shared.messaging import ERASED, Handled, Outcome
from shared.messaging.outcomes import REPEAT
from shared.storage import Outgoing, Tx, record_arrivals

KAFKA = "kafka"
FIRST_VERSION = 1
"""Versions of facts and contact on registering; corrections count on from here."""
REFERENCE_REUSED = Finding("REFERENCE_REUSED", "reference")


@dataclass(slots=True)
class Sitting:
    """One batch being decided: what is known of the persons, and the verdicts so far."""

    now: datetime
    ready: Mapping[UUID, Ready]
    persons: Mapping[UUID, Person]
    decided: dict[UUID, Decided] = field(default_factory=dict)
    enrolled: dict[UUID, Enrolment] = field(default_factory=dict)
    """Who was registered in this batch."""

    def decide(self, item: Registration, verdict: Verdict, reasons: tuple[Finding, ...] = ()) -> None:
        """Note the verdict on one registration."""
        ready = self.ready[item.id]
        self.decided[item.id] = Decided(
            ready.submission,
            verdict,
            reasons,
            ready.judgement.warnings,
            None if verdict in {Verdict.REFUSED, Verdict.ERASED} else ready.person_id,
            refusal_id_of(item) if verdict is Verdict.REFUSED else None,
        )

    def is_registered(self, person_id: UUID) -> bool:
        """Whether the person is registered by now."""
        return person_id in self.enrolled or self.persons[person_id].state == "registered"


@dataclass(frozen=True, slots=True)
class TakeRegistrations:
    """Hears that workers ask for support."""

    desk: Desk
    door: str = KAFKA

    async def prepare(self, batch: Sequence[Registration]) -> dict[UUID, Ready]:
        """Judge, find the persons, make keys and seal."""
        return await prepare_registrations(self.desk, batch)

    async def apply(self, tx: Tx, batch: Sequence[Registration], prepared: Mapping[UUID, Ready]) -> Sequence[Outcome]:
        """Write verdicts, registrations and events. What is known already changes nothing."""
        first: dict[UUID, Registration] = {}
        for item in batch:
            first.setdefault(prepared[item.id].submission.submission_id, item)
        asked = {ready.person_id for item in first.values() if (ready := prepared[item.id]).person_id is not None}
        known, persons = await lock_known(tx, first, asked)
        fresh = [item for submission_id, item in first.items() if submission_id not in known]
        sitting = Sitting(self.desk.clock.now(), prepared, persons)
        await _decide(tx, sitting, fresh)
        await add_submissions(tx, "registration", self.door, list(sitting.decided.values()), sitting.now)
        told = [*_news(sitting, fresh), *await self._repeats(tx, sitting, fresh)]
        await self.desk.outbox.add(tx, told)
        if self.door != KAFKA:
            real = datetime.now(UTC)
            await record_arrivals(tx, self.door, [(id_, real, item.verdict.value) for id_, item in sitting.decided.items()])
        return [_outcome(sitting.decided.get(item.id)) for item in batch]

    async def _repeats(self, tx: Tx, sitting: Sitting, fresh: Sequence[Registration]) -> list[Outgoing]:
        """Return the events by which the known contact, and nobody else, is told; at most one a person and day."""
        told: dict[UUID, Outgoing] = {}
        for item in fresh:
            person_id = sitting.ready[item.id].person_id
            if person_id is None or person_id in told or sitting.decided[item.id].verdict is not Verdict.DUPLICATE:
                continue
            last = sitting.persons[person_id].repeat_told_at
            if last is None or sitting.now - last >= self.desk.repeats_apart:
                told[person_id] = Outgoing(_repeated(sitting, person_id), item.id, sitting.now)
        await mark_repeats_told(tx, told, sitting.now)
        return list(told.values())


async def _decide(tx: Tx, sitting: Sitting, fresh: Sequence[Registration]) -> None:
    waiting: list[Registration] = []
    for item in fresh:
        ready = sitting.ready[item.id]
        if ready.judgement.reasons:
            sitting.decide(item, Verdict.REFUSED, ready.judgement.reasons)
        elif ready.enrolment is None or ready.person_id is None or sitting.persons[ready.person_id].state == "erased":
            sitting.decide(item, Verdict.ERASED)
        else:
            waiting.append(item)
    while waiting:
        waiting = await _register(tx, sitting, waiting)


async def _register(tx: Tx, sitting: Sitting, waiting: Sequence[Registration]) -> list[Registration]:
    """Register the first of each person; return those of the same persons that come after."""
    first: dict[UUID, Registration] = {}
    later: list[Registration] = []
    for item in waiting:
        person_id = _enrolment(sitting, item).person_id
        if sitting.is_registered(person_id):
            sitting.decide(item, Verdict.DUPLICATE)
        elif first.setdefault(person_id, item) is not item:
            later.append(item)
    registered = await register_persons(tx, [_enrolment(sitting, item) for item in first.values()], sitting.now)
    for person_id, item in first.items():
        if person_id in registered:
            sitting.enrolled[person_id] = _enrolment(sitting, item)
            sitting.decide(item, Verdict.ACCEPTED)
        else:
            sitting.decide(item, Verdict.REFUSED, (REFERENCE_REUSED,))
    return later


def _enrolment(sitting: Sitting, item: Registration) -> Enrolment:
    enrolment = sitting.ready[item.id].enrolment
    if enrolment is None:
        raise TypeError("only a registration with an enrolment can be registered")
    return enrolment


def _news(sitting: Sitting, fresh: Sequence[Registration]) -> Iterator[Outgoing]:
    """Yield what is said of registered and refused workers."""
    for item in fresh:
        decided = sitting.decided[item.id]
        if decided.verdict is Verdict.ACCEPTED:
            yield Outgoing(_registered(_enrolment(sitting, item)), item.id, sitting.now)
        elif decided.verdict is Verdict.REFUSED:
            contact = sitting.ready[item.id].refused_contact
            reasons = [Reason(code=finding.code, field=finding.field) for finding in decided.reasons]
            event = RegistrationRefused(reference_id=refusal_id_of(item), reasons=reasons, contact=contact)
            yield Outgoing(event, item.id, sitting.now)


def _registered(enrolment: Enrolment) -> WorkerRegistered:
    return WorkerRegistered(
        worker_id=enrolment.person_id,
        ticket=enrolment.ticket,
        province=enrolment.province,
        facts_version=FIRST_VERSION,
        contact_version=FIRST_VERSION,
        facts=enrolment.facts,
        contact=enrolment.contact,
    )


def _repeated(sitting: Sitting, person_id: UUID) -> RegistrationRepeated:
    """Return the event with the contact that is known; what the second registration says of itself is not used."""
    if enrolment := sitting.enrolled.get(person_id):
        return RegistrationRepeated(worker_id=person_id, contact_version=FIRST_VERSION, contact=enrolment.contact)
    person = sitting.persons[person_id]
    return RegistrationRepeated(worker_id=person_id, contact_version=person.contact_version, contact=person.contact or "")


def _outcome(decided: Decided | None) -> Outcome:
    if decided is None:
        return REPEAT
    return ERASED if decided.verdict is Verdict.ERASED else Handled(decided.verdict.value)
