"""Before the transaction: persons found or made, keys made, boxes sealed. All of it may be done again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.registration.boxes import Evidence, Identity
from services.registration.domain.likeness import likenesses
from services.registration.domain.submissions import Claims, Judgement, is_kk, judge
from services.registration.handlers.desk import Desk, day_of, submission_of
from services.registration.handlers.reading import read_registration
from services.registration.repository.persons import Enrolment, claim_persons, find_evidence
from services.registration.repository.submissions import Submission
from shared.contracts.boxes import Contact, Facts
from shared.contracts.envelope import derive_id
from shared.contracts.intake import RegistrationSubmitted
from shared.contracts.registration import WorkerRegistered
from shared.messaging import Received
from shared.security import hash_access_code, new_access_code

BOXES = ("identity", "contact", "facts")

Registration = Received[RegistrationSubmitted]


class Examined(NamedTuple):
    """One registration as it was read and judged."""

    item: Registration
    submission: Submission
    claims: Claims
    judgement: Judgement


class Ready(NamedTuple):
    """One registration, judged and sealed. `enrolment` is None where it is refused or the person was erased."""

    submission: Submission
    judgement: Judgement
    person_id: UUID | None = None
    enrolment: Enrolment | None = None
    refused_contact: str | None = None


class Draft(NamedTuple):
    """What will be sealed about one person."""

    examined: Examined
    person_id: UUID
    identity: Identity
    contact: Contact
    facts: Facts


async def prepare_registrations(desk: Desk, batch: Sequence[Registration]) -> dict[UUID, Ready]:
    """Return every registration of the batch ready to be applied, by its id."""
    examined = [_examine(item) for item in batch]
    good = [one for one in examined if not one.judgement.reasons]
    contacts = await _seal_refused(desk, [one for one in examined if one.judgement.reasons])
    persons = await find_or_make_persons(desk, [(one.item, one.claims) for one in good])
    enrolments = await _enrol(desk, good, persons)
    return {
        id_: Ready(submission, judgement, persons.get(id_), enrolments.get(id_), contacts.get(id_))
        for (item, submission, _, judgement) in examined
        for id_ in (item.id,)
    }


def _examine(item: Registration) -> Examined:
    today = day_of(item.arrived_at)
    claims = read_registration(item.event, today)
    return Examined(item, submission_of(item), claims, judge(claims, today))


def refusal_id_of(item: Registration) -> UUID:
    """Return the subject of a refusal's event and of its expiring key."""
    return derive_id(item.id, "refusal")


async def find_or_make_persons(desk: Desk, items: Sequence[tuple[Received[Any], Claims]]) -> dict[UUID, UUID]:
    """Return the person of each item by the item's id: one NIK, one person."""
    first: dict[str, UUID] = {}
    for item, claims in items:
        first.setdefault(claims.nik.number, derive_id(item.id, "worker"))
    wanted = [(desk.blind.tokens("nik", nik), person_id) for nik, person_id in first.items()]
    found = dict(zip(first, await claim_persons(desk.database, wanted, desk.clock.now()), strict=True))
    return {item.id: found[claims.nik.number] for item, claims in items}


async def _seal_refused(desk: Desk, refused: Sequence[Examined]) -> dict[UUID, str | None]:
    """Seal how the refused can be told, each under a key of its own that expires."""
    contacts: list[tuple[Registration, Contact]] = []
    for item, _, claims, _ in refused:
        reach = claims.reach
        if reach is not None and reach.is_usable:
            contacts.append((item, Contact(name=item.event.name, phone=reach.phone, email=reach.email)))
    subjects = [refusal_id_of(item) for item, _ in contacts]
    keys = await desk.boxes.keys.create(subjects, ("contact",), expires_at=datetime.now(UTC) + desk.refusals_kept)
    sealed = await desk.boxes.seal([(refusal_id_of(item), contact) for item, contact in contacts], "contact", keys["contact"])
    return {item.id: box for (item, _), box in zip(contacts, sealed, strict=True)}


async def _enrol(desk: Desk, good: Sequence[Examined], persons: Mapping[UUID, UUID]) -> dict[UUID, Enrolment]:
    keys = await desk.boxes.keys.create(set(persons.values()), BOXES)
    lists = await _find_lists(desk, set(persons.values()))
    drafts = [_draft(one, persons[one.item.id], lists) for one in good]
    sealed = [
        await desk.boxes.seal([(draft.person_id, draft.identity) for draft in drafts], "identity", keys["identity"]),
        await desk.boxes.seal([(draft.person_id, draft.contact) for draft in drafts], "contact", keys["contact"]),
        await desk.boxes.seal([(draft.person_id, draft.facts) for draft in drafts], "facts", keys["facts"]),
    ]
    return {
        draft.examined.item.id: _enrolment(desk, draft, (identity, contact, facts))
        for draft, identity, contact, facts in zip(drafts, *sealed, strict=True)
        if identity is not None and contact is not None and facts is not None
    }


async def _find_lists(desk: Desk, persons: Collection[UUID]) -> dict[tuple[UUID, str], list[str]]:
    """Return who reported each person by a list, by person and status: a list of furloughed is no proof of a PHK."""
    rows = await find_evidence(desk.database, persons)
    lines = await desk.boxes.open([(person_id, content) for person_id, _, content in rows], "identity", Evidence)
    lists: dict[tuple[UUID, str], list[str]] = defaultdict(list)
    for (person_id, publisher, _), line in zip(rows, lines, strict=True):
        if line is not None and publisher not in lists[person_id, line.employment_status]:
            lists[person_id, line.employment_status].append(publisher)
    return lists


def _draft(examined: Examined, person_id: UUID, lists: Mapping[tuple[UUID, str], list[str]]) -> Draft:
    event, code, ticket = examined.item.event, new_access_code(), _new_ticket()
    claims = examined.claims
    reach = claims.reach
    contact = Contact(
        name=event.name,
        phone=reach.phone if reach else None,
        email=reach.email if reach else None,
        ticket=ticket,
        access_code=code,
    )
    facts = _facts(event, ticket, hash_access_code(code, person_id), lists.get((person_id, event.employment_status), []))
    return Draft(examined, person_id, _identity(event, claims), contact, facts)


def _identity(event: RegistrationSubmitted, claims: Claims) -> Identity:
    return Identity(
        nik=claims.nik.number,
        kk=event.kk if event.kk and is_kk(event.kk) else None,
        name=event.name,
        birth_date=event.birth_date,
        address=event.address,
        phone=claims.reach.phone if claims.reach else None,
        employer=event.employer,
        layoff_letter=event.layoff_letter,
        plan=event.business_plan.description if event.business_plan else "",
    )


def _facts(event: RegistrationSubmitted, ticket: str, code_hash: str, lists: Sequence[str]) -> Facts:
    plan = event.business_plan
    return Facts(
        ticket=ticket,
        access_code_hash=code_hash,
        birth_date=event.birth_date,
        citizenship=event.citizenship,
        regency=event.regency,
        employment_status=event.employment_status,
        layoff_on=event.layoff_on,
        employer_kbli=event.employer_kbli or None,
        has_layoff_letter=bool(event.layoff_letter),
        layoff_lists=list(lists),
        in_formal_education=event.in_formal_education,
        profession=event.profession.casefold(),
        other_aid=[aid.casefold() for aid in event.other_aid if aid],
        dependants=event.dependants,
        skills=[skill for skill in event.skills if skill],
        plan_kbli=plan.kbli if plan else None,
        has_plan=plan is not None,
    )


def _enrolment(desk: Desk, draft: Draft, boxes: tuple[str, str, str]) -> Enrolment:
    (item, submission, claims, _), identity = draft.examined, draft.identity
    alike = likenesses(name=identity.name, birth_date=item.event.birth_date, kk=identity.kk, phone=identity.phone)
    near = [(kind, version, token) for kind, value in alike for version, token in desk.blind.tokens(kind, value).items()]
    return Enrolment(
        draft.person_id,
        submission.submission_id,
        submission.publisher,
        submission.reference_id,
        derive_id(item.id, WorkerRegistered.TYPE),
        claims.regency.province if claims.regency else "",
        draft.facts.ticket,
        *boxes,
        near,
    )


def _new_ticket() -> str:
    code = new_access_code()
    return f"RNT-{code[:4]}-{code[4:]}"
