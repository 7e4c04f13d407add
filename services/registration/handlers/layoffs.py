"""Use case: lines of layoff lists become evidence, and people known only from them are pre-registered. Nothing is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from services.registration.boxes import Evidence, Identity
from services.registration.domain.submissions import Claims, Judgement, Verdict, judge
from services.registration.handlers.desk import Desk, day_of, submission_of
from services.registration.handlers.enrolling import BOXES, find_or_make_persons
from services.registration.handlers.reading import read_layoff
from services.registration.handlers.registrations import KAFKA
from services.registration.identifiers import read_phone
from services.registration.repository.persons import ListLine, Person, add_evidence, lock_known
from services.registration.repository.submissions import Decided, add_submissions
from shared.contracts.envelope import derive_id
from shared.contracts.intake import LayoffReported
from shared.messaging import ERASED, Handled, Outcome, Received
from shared.messaging.outcomes import REPEAT
from shared.storage import Tx, record_arrivals

Layoff = Received[LayoffReported]


@dataclass(frozen=True, slots=True)
class ReadyLine:
    """One line, judged and sealed; without a line it is refused or the person was erased."""

    judgement: Judgement
    line: ListLine | None = None
    identity: str = ""


@dataclass(frozen=True, slots=True)
class TakeLayoffs:
    """Hears that workers were laid off or furloughed."""

    desk: Desk
    door: str = KAFKA

    async def prepare(self, batch: Sequence[Layoff]) -> dict[UUID, ReadyLine]:
        """Judge, find the persons, make keys and seal."""
        claims = {item.id: read_layoff(item.event, day_of(item.arrived_at)) for item in batch}
        judged = {item.id: judge(claims[item.id], day_of(item.arrived_at)) for item in batch}
        good = [(item, claims[item.id]) for item in batch if not judged[item.id].reasons]
        sealed = await self._seal(good)
        return {item.id: ReadyLine(judged[item.id], *sealed.get(item.id, ())) for item in batch}

    async def apply(self, tx: Tx, batch: Sequence[Layoff], prepared: Mapping[UUID, ReadyLine]) -> Sequence[Outcome]:
        """Write verdicts and evidence. A line that is known already changes nothing."""
        now = self.desk.clock.now()
        fresh = {submission_of(item).submission_id: item for item in reversed(batch)}
        asked = {line.person_id for item in fresh.values() if (line := prepared[item.id].line) is not None}
        known, persons = await lock_known(tx, fresh, asked)
        items = [item for submission_id, item in fresh.items() if submission_id not in known]
        decided = await _decide(tx, items, prepared, persons)
        await add_submissions(tx, "layoff", self.door, list(decided.values()), now)
        if self.door != KAFKA:
            real = datetime.now(UTC)
            await record_arrivals(tx, self.door, [(id_, real, item.verdict.value) for id_, item in decided.items()])
        return [_outcome(decided.get(item.id)) for item in batch]

    async def _seal(self, good: Sequence[tuple[Layoff, Claims]]) -> dict[UUID, tuple[ListLine, str]]:
        persons = await find_or_make_persons(self.desk, good)
        keys = (await self.desk.boxes.keys.create(set(persons.values()), BOXES))["identity"]
        contents = await self.desk.boxes.seal([(persons[item.id], _evidence(item.event)) for item, _ in good], "identity", keys)
        identities = await self.desk.boxes.seal(
            [(persons[item.id], _identity(item.event, claims)) for item, claims in good], "identity", keys
        )
        return {
            item.id: (_line(item, persons[item.id], content), identity)
            for (item, _), content, identity in zip(good, contents, identities, strict=True)
            if content is not None and identity is not None
        }


async def _decide(
    tx: Tx, items: Sequence[Layoff], prepared: Mapping[UUID, ReadyLine], persons: Mapping[UUID, Person]
) -> dict[UUID, Decided]:
    lines = {item.id: line for item in items if (line := prepared[item.id].line) is not None}
    alive = {id_: line for id_, line in lines.items() if persons[line.person_id].state != "erased"}
    identities = {line.person_id: prepared[id_].identity for id_, line in alive.items()}
    added = await add_evidence(tx, list(alive.values()), identities)
    return {item.id: _verdict(item, prepared[item.id], alive.get(item.id), added) for item in items}


def _verdict(item: Layoff, ready: ReadyLine, line: ListLine | None, added: set[UUID]) -> Decided:
    submission, warnings = submission_of(item), ready.judgement.warnings
    if ready.judgement.reasons:
        return Decided(submission, Verdict.REFUSED, ready.judgement.reasons, warnings)
    if line is None:
        return Decided(submission, Verdict.ERASED)
    verdict = Verdict.EVIDENCE if line.evidence_id in added else Verdict.DUPLICATE
    return Decided(submission, verdict, (), warnings, line.person_id)


def _line(item: Layoff, person_id: UUID, content: str) -> ListLine:
    submission = submission_of(item)
    return ListLine(
        derive_id(item.id, "evidence"),
        person_id,
        submission.submission_id,
        submission.publisher,
        submission.reference_id,
        content,
        item.arrived_at,
    )


def _evidence(event: LayoffReported) -> Evidence:
    return Evidence(
        employment_status=event.employment_status,
        layoff_on=event.layoff_on,
        employer=event.employer,
        employer_kbli=event.employer_kbli,
        regency=event.regency,
    )


def _identity(event: LayoffReported, claims: Claims) -> Identity:
    return Identity(
        nik=claims.nik.number,
        name=event.name,
        birth_date=event.birth_date,
        phone=read_phone(event.phone),
        employer=event.employer,
    )


def _outcome(decided: Decided | None) -> Outcome:
    if decided is None:
        return REPEAT
    return ERASED if decided.verdict is Verdict.ERASED else Handled(decided.verdict.value)
