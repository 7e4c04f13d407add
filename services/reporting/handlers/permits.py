"""Use cases about permits: issued, changed, revoked. Each takes a set of news and decides on them in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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

Permits = dict[str, Permit]

_KINDS: Mapping[type[PermitEvent], str] = {PermitIssued: "issued", PermitChanged: "changed", PermitRevoked: "revoked"}

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
    revoked_on: date | None = None
    """From which day on a revoked permit owes nothing."""


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact sealed for a permit, with the version of the permit's box that it rests on; None where the key is erased."""

    based_on: int
    company: str | None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Contacts by event id: of issued permits, None for the erased, and of changed ones."""

    issued: Mapping[UUID, str | None]
    changed: Mapping[UUID, SealedContact]


async def seal_contacts(desk: Desk, batch: Sequence[Received[PermitEvent]]) -> Sealed:
    """Seal the contacts that come with news."""
    issued = [(item, item.event) for item in batch if isinstance(item.event, PermitIssued)]
    changed = [(item.id, item.event) for item in batch if isinstance(item.event, PermitChanged)]
    # Refused news gets no key: nothing of it is kept but its outcome.
    good = [(item.id, event) for item, event in issued if not _check_issued(desk, event, item.arrived_at)]
    return Sealed(await _seal_issued(desk, good), await _seal_changed(desk, changed))


async def _seal_issued(desk: Desk, news: Sequence[tuple[UUID, PermitIssued]]) -> dict[UUID, str | None]:
    """Make the permits' keys and seal under them."""
    subjects = [permit_id_of(event.permit_number) for _, event in news]
    keys = await desk.boxes.keys.create(subjects, [BOX])
    plain = [_company(event.company, event.contact) for _, event in news]
    sealed = await desk.boxes.seal(list(zip(subjects, plain, strict=True)), BOX, keys[BOX])
    return {id_: box for (id_, _), box in zip(news, sealed, strict=True)}


async def _seal_changed(desk: Desk, news: Sequence[tuple[UUID, PermitChanged]]) -> dict[UUID, SealedContact]:
    """Seal new contacts with the company's name from the box that is there."""
    with_contact = [(id_, event) for id_, event in news if event.contact is not None]
    if not with_contact:
        return {}
    async with desk.database.connection() as connection:
        known = await find_permits(connection, {event.permit_number for _, event in with_contact})
    changes = [(id_, event, known[event.permit_number]) for id_, event in with_contact if event.permit_number in known]
    old = await desk.boxes.open([(permit.permit_id, permit.company) for _, _, permit in changes], BOX, Company)
    readable = [(id_, event, permit, box) for (id_, event, permit), box in zip(changes, old, strict=True) if box is not None]
    plain = [(p.permit_id, _company(box.company, event.contact)) for _, event, p, box in readable if event.contact]
    sealed = await desk.boxes.seal(plain, BOX)
    # An erased permit stays in with no box, so that its news ends as erased and not at a gate.
    contacts = {id_: SealedContact(permit.company_version, None) for id_, _, permit in changes}
    for (id_, _, permit, _), company in zip(readable, sealed, strict=True):
        contacts[id_] = SealedContact(permit.company_version, company)
    return contacts


async def take_news(tx: Tx, desk: Desk, batch: Sequence[Received[PermitEvent]], sealed: Sealed) -> list[Outcome]:
    """Open, change and revoke permits: rule on news one after the other, so that two of one permit see each other, and write it as a set."""
    now = desk.clock.now()
    put_back = {permit_id_of(item.event.permit_number) for item in batch if item.is_redriven}
    newest = await find_last_changes(tx, put_back) if put_back else {}
    permits = await lock_permits(tx, {item.event.permit_number for item in batch})
    changed: Permits = {}
    rulings: list[Ruling] = []
    # Two publishers may speak of one permit in one batch.
    for item in batch:
        ruling = _rule(desk, item, permits.get(item.event.permit_number), sealed, newest)
        if ruling.permit is not None:
            permits[ruling.permit.number] = changed[ruling.permit.number] = ruling.permit
        rulings.append(ruling)
    pairs = list(zip(batch, rulings, strict=True))
    await save_permits(tx, list(changed.values()), [_news(item, ruling) for item, ruling in pairs if ruling.outcome], now)
    # What is still expected of a revoked permit is cancelled.
    await cancel_expected(
        tx, [(ruling.permit.permit_id, ruling.revoked_on) for ruling in rulings if ruling.permit and ruling.revoked_on]
    )
    return [CHANGED_MEANWHILE if ruling.outcome is None else _OUTCOMES[ruling.outcome] for ruling in rulings]


def _rule(
    desk: Desk, item: Received[PermitEvent], known: Permit | None, sealed: Sealed, newest: Mapping[UUID, datetime]
) -> Ruling:
    event = item.event
    if isinstance(event, PermitIssued):
        return _rule_issued(desk, event, known, sealed.issued.get(item.id), item.arrived_at)
    if isinstance(event, PermitRevoked):
        return _rule_revoked(desk, event, known, item.arrived_at)
    if not isinstance(event, PermitChanged):
        raise TypeError(type(event).__name__)
    # A change that was put back after it died does not undo one that came after it.
    if known is not None and item.is_redriven and newest.get(known.permit_id, item.arrived_at) > item.arrived_at:
        return Ruling("superseded")
    return _rule_changed(event, known, sealed.changed.get(item.id))


def _rule_issued(desk: Desk, event: PermitIssued, known: Permit | None, company: str | None, at: datetime) -> Ruling:
    if errors := _check_issued(desk, event, at):
        return Ruling("refused", errors=errors)
    if company is None:
        return Ruling("erased")
    permit = issue(known, _permit_of(event, company, desk.rules.calendar.day_of(at)))
    return Ruling("accepted", permit) if permit else Ruling("superseded")


def _rule_changed(event: PermitChanged, known: Permit | None, contact: SealedContact | None) -> Ruling:
    errors = check_change(regency=event.regency)
    if known is None or errors:
        return Ruling("refused", errors=errors or [Finding("PERMIT_UNKNOWN", "permit_number")])
    # Also so where the permit was issued in the same batch and was not there to be prepared for.
    if event.contact is not None and (contact is None or contact.based_on != known.company_version):
        return Ruling(None)
    if contact is not None and contact.company is None:
        return Ruling("erased")
    company = contact.company if contact else None
    return Ruling("accepted", known.change(regency=event.regency, workers=event.workers, company=company))


def _rule_revoked(desk: Desk, event: PermitRevoked, known: Permit | None, at: datetime) -> Ruling:
    errors = check_revocation(revoked_on=event.revoked_on, today=desk.rules.calendar.day_of(at))
    if known is None or errors:
        return Ruling("refused", errors=errors or [Finding("PERMIT_UNKNOWN", "permit_number")])
    # News of an earlier revocation, overtaken by a new issue.
    if event.revoked_on < known.issued_on:
        return Ruling("superseded")
    permit = known.revoke(event.revoked_on)
    return Ruling("accepted", permit, revoked_on=permit.revoked_on)


def _check_issued(desk: Desk, event: PermitIssued, at: datetime) -> list[Finding]:
    today = desk.rules.calendar.day_of(at)
    return check_issue(kbli=event.kbli, regency=event.regency, issued_on=event.issued_on, today=today)


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


def _news(item: Received[PermitEvent], ruling: Ruling) -> News:
    permit_id = permit_id_of(item.event.permit_number)
    kind, outcome, publisher = _KINDS[type(item.event)], ruling.outcome or "", item.publisher or ""
    return News(seen_id(item.envelope, publisher), permit_id, kind, publisher, outcome, tuple(ruling.errors), item.arrived_at)
