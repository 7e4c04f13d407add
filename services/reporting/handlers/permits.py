"""Use cases about permits: issued, changed, revoked. Each takes a set of news and decides on them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from uuid import UUID

from services.reporting.domain import (
    Finding,
    Permit,
    PermitState,
    check_change,
    check_issue,
    check_revocation,
    issue,
    supervised_from,
)
from services.reporting.domain.identity import permit_id_of
from services.reporting.handlers.desk import Desk
from services.reporting.repository.permits import (
    News,
    add_news,
    cancel_expected,
    find_last_changes,
    find_permits,
    lock_permits,
    save_permits,
)
from shared.contracts.boxes import Company
from shared.contracts.intake import CompanyContact, PermitChanged, PermitEvent, PermitIssued, PermitRevoked
from shared.messaging import ERASED, SUPERSEDED, Handled, Outcome, Received, RetryLater
from shared.messaging.records import seen_id
from shared.storage import Tx

BOX = "company"

E = TypeVar("E", bound=PermitEvent)
Permits = dict[str, Permit]

ACCEPTED = Handled("accepted")
REFUSED = Handled("refused")
_OUTCOMES: Mapping[str, Outcome] = {"accepted": ACCEPTED, "refused": REFUSED, "superseded": SUPERSEDED, "erased": ERASED}
CHANGED_MEANWHILE = RetryLater("permit_changed_meanwhile", is_expected=True)
"""The contact was sealed on older data than the permit has now: it is sealed again at the next try."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one piece of news leads to. `outcome` is its word in the verdict, None where it has to be tried again."""

    outcome: str | None
    permit: Permit | None = None
    errors: Sequence[Finding] = field(default=())


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact sealed for a permit, with the version of the permit's box that it rests on; None where the key is erased."""

    based_on: int
    company: str | None


async def seal_issued(desk: Desk, batch: Sequence[Received[PermitIssued]]) -> dict[UUID, str | None]:
    """Seal the contacts of well-formed news, by event id. Makes the permits' keys first."""
    # Refused news gets no key: nothing of it is kept but its outcome.
    good = [item for item in batch if not _check_issued(desk, item)]
    subjects = [permit_id_of(item.event.permit_number) for item in good]
    await desk.boxes.keys.create(subjects, [BOX])
    plain = [_company(item.event.company, item.event.contact) for item in good]
    sealed = await desk.boxes.seal(list(zip(subjects, plain, strict=True)), BOX)
    return {item.id: box for item, box in zip(good, sealed, strict=True)}


async def seal_changed(desk: Desk, batch: Sequence[Received[PermitChanged]]) -> dict[UUID, SealedContact]:
    """Seal new contacts with the company's name from the box that is there, by event id."""
    with_contact = [item for item in batch if item.event.contact is not None]
    async with desk.database.connection() as connection:
        known = await find_permits(connection, {item.event.permit_number for item in with_contact})
    changes = [(item, known[item.event.permit_number]) for item in with_contact if item.event.permit_number in known]
    old = await desk.boxes.open([(permit.permit_id, permit.company) for _, permit in changes], BOX, Company)
    readable = [(item, permit, box) for (item, permit), box in zip(changes, old, strict=True) if box is not None]
    plain = [(p.permit_id, _company(box.company, item.event.contact)) for item, p, box in readable if item.event.contact]
    sealed = await desk.boxes.seal(plain, BOX)
    # An erased permit stays in with no box, so that its news ends as erased and not at a gate.
    contacts = {item.id: SealedContact(permit.company_version, None) for item, permit in changes}
    for (item, permit, _), company in zip(readable, sealed, strict=True):
        contacts[item.id] = SealedContact(permit.company_version, company)
    return contacts


async def take_issued(
    tx: Tx, desk: Desk, batch: Sequence[Received[PermitIssued]], sealed: Mapping[UUID, str | None]
) -> list[Outcome]:
    """Open permits, or renew what is known of them."""

    def rule(item: Received[PermitIssued], known: Permit | None) -> Ruling:
        if errors := _check_issued(desk, item):
            return Ruling("refused", errors=errors)
        company = sealed.get(item.id)
        if company is None:
            return Ruling("erased")
        permit = issue(known, _permit_of(item.event, company, _day(desk, item)))
        return Ruling("accepted", permit) if permit else Ruling("superseded")

    return await _decide(tx, desk, "issued", batch, rule)


async def take_changed(
    tx: Tx, desk: Desk, batch: Sequence[Received[PermitChanged]], sealed: Mapping[UUID, SealedContact]
) -> list[Outcome]:
    """Change permits' master data; a change that was put back after it died does not undo one that came after it."""
    put_back = {permit_id_of(item.event.permit_number) for item in batch if item.is_redriven}
    newest = await find_last_changes(tx, put_back) if put_back else {}

    def rule(item: Received[PermitChanged], known: Permit | None) -> Ruling:
        if known is not None and item.is_redriven and newest.get(known.permit_id, item.arrived_at) > item.arrived_at:
            return Ruling("superseded")
        errors = check_change(regency=item.event.regency)
        if known is None or errors:
            return Ruling("refused", errors=errors or [Finding("PERMIT_UNKNOWN", "permit_number")])
        contact = sealed.get(item.id)
        # Also so where the permit was issued in the same batch and was not there to be prepared for.
        if item.event.contact is not None and (contact is None or contact.based_on != known.company_version):
            return Ruling(None)
        if contact is not None and contact.company is None:
            return Ruling("erased")
        company = contact.company if contact else None
        return Ruling("accepted", known.change(regency=item.event.regency, workers=item.event.workers, company=company))

    return await _decide(tx, desk, "changed", batch, rule)


async def take_revoked(tx: Tx, desk: Desk, batch: Sequence[Received[PermitRevoked]]) -> list[Outcome]:
    """Revoke permits: what is still expected of them is cancelled."""
    revoked: dict[UUID, date] = {}

    def rule(item: Received[PermitRevoked], known: Permit | None) -> Ruling:
        errors = check_revocation(revoked_on=item.event.revoked_on, today=_day(desk, item))
        if known is None or errors:
            return Ruling("refused", errors=errors or [Finding("PERMIT_UNKNOWN", "permit_number")])
        # News of an earlier revocation, overtaken by a new issue.
        if item.event.revoked_on < known.issued_on:
            return Ruling("superseded")
        permit = known.revoke(item.event.revoked_on)
        if permit.revoked_on is not None:
            revoked[permit.permit_id] = permit.revoked_on
        return Ruling("accepted", permit)

    outcomes = await _decide(tx, desk, "revoked", batch, rule)
    await cancel_expected(tx, list(revoked.items()))
    return outcomes


async def _decide(
    tx: Tx, desk: Desk, kind: str, batch: Sequence[Received[E]], rule: Callable[[Received[E], Permit | None], Ruling]
) -> list[Outcome]:
    """Rule on news one after the other, so that two of one permit see each other, and write the result as a set."""
    now = desk.clock.now()
    permits = await lock_permits(tx, {item.event.permit_number for item in batch})
    changed: Permits = {}
    rulings: list[Ruling] = []
    # Two publishers may speak of one permit in one batch.
    for item in batch:
        ruling = rule(item, permits.get(item.event.permit_number))
        if ruling.permit is not None:
            permits[ruling.permit.number] = changed[ruling.permit.number] = ruling.permit
        rulings.append(ruling)
    await save_permits(tx, list(changed.values()), now)
    pairs = list(zip(batch, rulings, strict=True))
    await add_news(tx, kind, [_news(item, ruling) for item, ruling in pairs if ruling.outcome], now)
    return [CHANGED_MEANWHILE if ruling.outcome is None else _OUTCOMES[ruling.outcome] for ruling in rulings]


def _check_issued(desk: Desk, item: Received[PermitIssued]) -> list[Finding]:
    event = item.event
    return check_issue(kbli=event.kbli, regency=event.regency, issued_on=event.issued_on, today=_day(desk, item))


def _day(desk: Desk, item: Received[E]) -> date:
    return desk.rules.calendar.day_of(item.arrived_at)


def _company(company: str, contact: CompanyContact) -> Company:
    return Company(company=company, name=contact.name, phone=contact.phone, email=contact.email)


def _permit_of(event: PermitIssued, company: str, known_on: date) -> Permit:
    return Permit(
        permit_id=permit_id_of(event.permit_number),
        number=event.permit_number,
        state=PermitState.ACTIVE,
        nib=event.nib,
        kbli=event.kbli,
        is_estate=event.is_estate,
        regency=event.regency,
        workers=event.workers,
        issued_on=event.issued_on,
        supervised_from=supervised_from(event.issued_on, known_on),
        revoked_on=None,
        company=company,
        company_version=1,
    )


def _news(item: Received[E], ruling: Ruling) -> News:
    permit_id = permit_id_of(item.event.permit_number)
    outcome, publisher = ruling.outcome or "", item.publisher or ""
    return News(seen_id(item.envelope, publisher), permit_id, publisher, outcome, tuple(ruling.errors), item.arrived_at)
