"""What the load sends: people, permits, reports, copies, and records that break the contract; the same from the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from rintis.chaos.people import REGENCIES, item_of
from rintis.chaos.sent import Door, Kind, Sent
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import FilingSubmitted, IntakeEvent, PermitChanged, PermitIssued, RegistrationSubmitted

PEOPLE, COMPANIES = "kemnaker", "siinas"
"""Who publishes registrations, and who publishes permits and reports."""
BUSINESS_DAY = date(2020, 5, 11)
"""The day on which the system under test begins, by its own clock."""


class Case(NamedTuple):
    """One event and how it is sent: the record for Kafka, or the item for HTTP."""

    sent: Sent
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    item: dict[str, Any] | None = None


class Told(NamedTuple):
    """What a publisher has to say, ready for its topic."""

    publisher: str
    type: str
    topic: str
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Shares:
    """How often, in a hundred registrations, something else than a plain new person comes."""

    http: int = 10
    copies: int = 4
    """The same event once more: same source, same id."""
    same_person: int = 3
    """Somebody registered again under another reference."""
    refused: int = 3
    reviews: int = 8
    """Without a layoff letter: a person of the dinas has to decide."""
    denied: int = 8
    by_mail: int = 4
    """No telephone, so the answer comes by e-mail."""
    poison: int = 1
    filings: int = 6
    """Reports of companies beside them: at 300 registrations a second about a thousand a minute, all 16,000 in a quarter of an hour."""


@dataclass
class Cases:
    """Draws events. `first_number` is the first number that is free; people and permits follow from the numbers."""

    seed: int
    first_number: int = 0
    shares: Shares = field(default_factory=Shares)
    day: date = BUSINESS_DAY

    def __post_init__(self) -> None:
        """Begin where the numbers begin."""
        self.chance = random.Random(f"{self.seed}/{self.first_number}")  # noqa: S311 - a load, not a secret
        self._number = self.first_number
        self._registered: list[int] = []
        self._permits: list[tuple[str, int]] = []

    def draw(self) -> list[Case]:
        """Return a registration and what comes with it, in the order in which it is to be sent."""
        shares, hit = self.shares, self.chance.randrange(100)
        cases = list(self._registration(hit))
        if self.chance.randrange(100) < shares.copies:
            cases.append(cases[-1])
        if self.chance.randrange(100) < shares.poison:
            cases.append(self._poison())
        if self.chance.randrange(100) < shares.filings:
            cases += self._company()
        return cases

    def _registration(self, hit: int) -> Iterator[Case]:
        shares = self.shares
        door: Door = "http" if self.chance.randrange(100) < shares.http else "kafka"
        if hit < shares.same_person and self._registered:
            yield self._case(door, person := self.chance.choice(self._registered), item_of(person, f"ref-{self._number}-lagi"))
            return
        number = self._number
        changes: dict[str, Any] = {}
        if hit >= 100 - shares.refused:
            changes["nik"] = f"{'N' * 16}"
        elif hit >= 100 - shares.refused - shares.reviews:
            changes["layoff_letter"] = None
        elif hit >= 100 - shares.refused - shares.reviews - shares.denied:
            changes["profession"] = "asn"
        if number % 100 < shares.by_mail:
            changes |= {"phone": None, "email": f"warga{number}@contoh.id"}
        if "nik" not in changes:
            self._registered.append(number)
        yield self._case(door, number, item_of(number, f"ref-{number}") | changes, is_acceptable="nik" not in changes)

    def _case(self, door: Door, person: int, item: dict[str, Any], *, is_acceptable: bool = True) -> Case:
        if door == "kafka":
            return self._record("registration", _registered(item), subject=str(person), is_acceptable=is_acceptable)
        number, reference = self._take_number(), item["reference"]
        sent = Sent(number, "registration", "http", PEOPLE, f"http:{PEOPLE}", reference, reference, str(person), is_acceptable)
        return Case(sent, "", b"", b"", [], item)

    def _company(self) -> list[Case]:
        """Return a new permit with two changes right behind it, or reports and a change of one that is known."""
        if len(self._permits) < 4 or self.chance.randrange(8) == 0:
            number = f"IOMKI-{self._number:07d}"
            self._permits.append((number, 100))
            return [
                self._record("permit", _told(_permit(number)), subject=number),
                # A new contact in the batch of its permit's issue has to wait at a gate.
                self._change(len(self._permits) - 1, contact=self.chance.randrange(2) == 0),
                self._change(len(self._permits) - 1),
            ]
        place = self.chance.randrange(len(self._permits))
        cases = [self._filing(self._permits[place][0])]
        if self.chance.randrange(4) == 0:
            cases.append(self._change(place))
        if self.chance.randrange(5) == 0:
            cases.append(cases[0])
        return cases

    def _change(self, place: int, *, contact: bool = False) -> Case:
        """Return news that a permit's company has one worker more: the last of it is what has to stand in the end."""
        number, workers = self._permits[place]
        self._permits[place] = (number, workers + 1)
        person = {"name": "Bagian Umum", "email": f"umum{number[-7:]}@contoh.id"} if contact else None
        event = PermitChanged.model_validate({"permit_number": number, "workers": workers + 1, "contact": person})
        return self._record("change", _told(event), subject=number)

    def _filing(self, number: str) -> Case:
        due_on = self.day + timedelta(days=(4 - self.day.weekday()) % 7)
        event = FilingSubmitted(
            permit_number=number,
            reference=f"lap-{self._number}",
            due_on=due_on,
            form="2020-v1",
            employees_total=100,
            employees_on_site=80,
            has_screening=True,
            has_protocol_sop=True,
            transport="bus",
            is_declared_true=True,
        )
        return self._record("filing", _told(event), subject=number)

    def _record(self, kind: Kind, told: Told, *, subject: str, is_acceptable: bool = True) -> Case:
        number, source = self._take_number(), f"https://{told.publisher}.example/{self.seed}"
        envelope = Envelope(f"{kind}-{number}", source, told.type, datetime.now(UTC))
        sent = Sent(number, kind, "kafka", told.publisher, source, envelope.id, told.key, subject, is_acceptable)
        return Case(sent, told.topic, told.key.encode(), told.value, headers_of(envelope))

    def _poison(self) -> Case:
        """Return a record that breaks the contract in one of several ways; its id is told all the same."""
        plain = self._record("poison", _registered(item_of(self._number, f"ref-{self._number}")), subject="", is_acceptable=False)
        headers = dict(plain.headers)
        key, value = plain.key, plain.value
        match plain.sent.number % 5:
            case 0:
                value = b"{not json"
            case 1:
                key = b"another-key"
            case 2:
                headers["ce_type"] = b"id.rintis.intake.registration.submitted.v9"
            case 3:
                value = value.replace(b'"phk"', b'"berhenti"')
            case _:
                headers["ce_time"] = b"yesterday"
        return Case(plain.sent, plain.topic, key, value, list(headers.items()))

    def _take_number(self) -> int:
        self._number += 1
        return self._number - 1


def _registered(item: dict[str, Any]) -> Told:
    type_, topic = RegistrationSubmitted.TYPE, f"{RegistrationSubmitted.TOPIC}.{PEOPLE}"
    return Told(PEOPLE, type_, topic, item["reference"], orjson.dumps(item))


def _told(event: IntakeEvent) -> Told:
    return Told(COMPANIES, event.TYPE, f"{event.TOPIC}.{COMPANIES}", event.key(), event.model_dump_json().encode())


def _permit(number: str) -> PermitIssued:
    return PermitIssued.model_validate(
        {
            "permit_number": number,
            "company": f"PT Baja {number[-7:]}",
            "nib": f"912{number[-7:]}000",
            "kbli": "24101",
            "regency": REGENCIES[int(number[-7:]) % len(REGENCIES)],
            "workers": 100,
            "issued_on": date(2020, 5, 1),
            "contact": {"name": "Bagian Umum", "email": f"umum{number[-7:]}@contoh.id"},
        }
    )
