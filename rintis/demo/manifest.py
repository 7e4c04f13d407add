"""What must come of the demo, worked out and written down before anything is sent."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rintis.demo import companies
from rintis.demo.policy import Expected, Reference, expect
from rintis.demo.population import Population, Registration
from shared.contracts.envelope import derive_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Worker:
    """What must become of one registration. `repeats` says how often somebody registered the same person again."""

    reference: str
    door: str
    verdict: str
    reasons: tuple[str, ...] = ()
    channel: str | None = None
    address: str | None = None
    repeats: int = 0
    expected: Expected | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """What must become of one due day of a permit."""

    state: str
    accepted: int
    returned: tuple[str, ...]
    warning: int = 0


@dataclass(frozen=True, slots=True)
class Permit:
    """What must become of one permit: its periods by due day, and where its messages go (receipts by e-mail first)."""

    periods: Mapping[str, Period]
    mail: tuple[str, str] | None
    phone: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything expected. Workers are named by the id that stands for (publisher, reference) in registration's tables."""

    workers: dict[str, Worker]
    permits: dict[str, Permit]
    evidence: int
    filings: dict[str, int] = field(default_factory=dict)

    @property
    def verdicts(self) -> Counter[str]:
        """Return how many registrations must end how."""
        return Counter(worker.verdict for worker in self.workers.values())

    def write(self, path: Path) -> None:
        """Write the manifest down; it is kept for those who want to count by themselves."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False), encoding="utf-8")


def foresee(population: Population, permits: Iterable[companies.Permit], reference: Reference, on: date) -> Manifest:
    """Return what must come of a population and its companies, given the day on which the registrations arrive."""
    repeated = Counter(repeat.duplicate_of for repeat in population.repeats)
    workers = {
        reference_id(registration): _worker(registration, repeated[registration.reference], reference, on)
        for registration in population.registrations
    }
    expected = {permit.number: _permit(permit) for permit in permits}
    filings = {
        "accepted": sum(period.accepted for permit in expected.values() for period in permit.periods.values()),
        "returned": sum(len(period.returned) for permit in expected.values() for period in permit.periods.values()),
    }
    return Manifest(workers, expected, len(population.layoffs), filings)


def reference_id(registration: Registration) -> str:
    """Return what registration's tables know a (publisher, reference) by."""
    return str(_named(registration.publisher, registration.reference))


def _named(publisher: str, reference: str) -> UUID:
    return derive_id(f"{publisher}\x1f{reference}", "registration reference", at=_EPOCH)


def _worker(registration: Registration, repeats: int, reference: Reference, on: date) -> Worker:
    channel, address = _reach(registration.data, ("phone", "email"))
    worker = Worker(registration.reference, registration.door, "accepted", channel=channel, address=address)
    if registration.refusals:
        return replace(worker, verdict="refused", reasons=registration.refusals)
    if registration.duplicate_of:
        return replace(worker, verdict="duplicate")
    return replace(worker, repeats=repeats, expected=expect(registration, reference, on))


def _reach(contact: Mapping[str, Any], order: tuple[str, ...]) -> tuple[str | None, str | None]:
    """Return the first channel by which somebody can be reached, and the address as a provider gets it."""
    for way in order:
        if text := contact.get(way):
            return ("sms", f"+62{text[1:]}") if way == "phone" else ("email", text)
    return None, None


def _permit(permit: companies.Permit) -> Permit:
    periods: dict[str, Period] = {}
    row = 0
    for due_on in companies.DUE_DAYS:
        filings = [filing for filing in permit.filings if filing.data["due_on"] == due_on.isoformat()]
        good = [filing for filing in filings if not filing.errors]
        is_in_time = any(not filing.is_late for filing in good)
        row = 0 if is_in_time else row + 1
        state = "filed" if is_in_time else "late" if good else "missed"
        returned = tuple(code for filing in filings for code in filing.errors)
        periods[due_on.isoformat()] = Period(state, len(good), returned, row)
    contact = permit.data["contact"]
    return Permit(periods, _way(contact, ("email", "phone")), _way(contact, ("phone", "email")))


def _way(contact: Mapping[str, Any], order: tuple[str, ...]) -> tuple[str, str] | None:
    channel, address = _reach(contact, order)
    return (channel, address) if channel and address else None
