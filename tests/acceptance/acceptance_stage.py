"""The whole of Rintis as processes, and what an outside system and an auditor can do with it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import AIOKafkaProducer

from rintis.operations.audit import Audit, Verdict
from rintis.operations.log import open_log
from rintis.operations.sources import Sources
from rintis.runtime.databases import SERVICES
from rintis.runtime.processes import Process
from rintis.testing.environment import ServiceStarter
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import FilingSubmitted, IntakeEvent, LayoffReported, PermitIssued, RegistrationSubmitted
from shared.storage import Database
from shared.testing import eventually

GIVEN = ("Siti", "Budi", "Dewi", "Agus", "Wahyuni", "Slamet", "Kartini", "Made", "Ucok", "Yohana")
FAMILY = ("Hardjosoemantri", "Situmorang", "Wirakusuma", "Pattiasina", "Nainggolan", "Kusumawardhani", "Tambunan", "Rumbiak")
REGENCIES = ("32.73", "33.74", "35.78", "31.71", "36.04", "12.71", "73.71", "51.71")
DRAIN_SECONDS = 180.0


@dataclass(frozen=True)
class Person:
    """A worker whom only a test knows."""

    number: int
    name: str
    nik: str
    birth_date: date
    phone: str

    def registration(self, **changes: Any) -> RegistrationSubmitted:
        """Return what a publisher submits for this person."""
        regency = REGENCIES[self.number % len(REGENCIES)]
        given: dict[str, Any] = {
            "reference": f"ref-{self.number}",
            "nik": self.nik,
            "name": self.name,
            "birth_date": self.birth_date,
            "phone": self.phone,
            "regency": regency,
            "employment_status": "phk",
            "layoff_on": date(2020, 4, 6),
            "employer": "PT Contoh Sandang",
            "employer_kbli": "14111",
            "layoff_letter": f"{self.number}/HRD/IV/2020",
            "dependants": 2,
            "skills": ["menjahit"],
            "business_plan": {"kbli": "14111", "description": "Usaha jahit."},
        }
        return RegistrationSubmitted.model_validate(given | changes)

    def layoff(self) -> LayoffReported:
        """Return what an employer reports for this person."""
        return LayoffReported(
            reference=f"lay-{self.number}",
            nik=self.nik,
            name=self.name,
            employment_status="phk",
            layoff_on=date(2020, 4, 6),
            employer="PT Contoh Sandang",
        )


def people(count: int, *, seed: int = 1) -> list[Person]:
    """Return persons with valid, different NIKs."""
    chance = random.Random(seed)  # noqa: S311 - names, not secrets
    found = []
    for number in range(count):
        born = date(1960, 1, 1) + timedelta(days=chance.randrange(14_000))
        region = REGENCIES[number % len(REGENCIES)].replace(".", "")
        day = born.day + (40 if number % 2 else 0)
        nik = f"{region}01{day:02d}{born:%m%y}{1 + number % 9000:04d}"
        name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)} {_letters(number)}"
        found.append(Person(number, name, nik, born, f"0812{70_000_000 + seed * 1_000_000 + number}"))
    return found


def _letters(number: int) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in str(number)).capitalize()


def a_permit(number: int) -> PermitIssued:
    """Return a permit as SIINas issues it."""
    return PermitIssued.model_validate(
        {
            "permit_number": f"IOMKI-{number:06d}",
            "company": f"PT Baja {number}",
            "nib": f"{9120000000000 + number}",
            "kbli": "24101",
            "regency": REGENCIES[number % len(REGENCIES)],
            "workers": 240,
            "issued_on": date(2020, 5, 1),
            "contact": {"name": "Bagian Umum", "phone": f"0813{60_000_000 + number}", "email": f"umum{number}@contoh.id"},
        }
    )


def a_filing(number: int, due_on: date, **changes: Any) -> FilingSubmitted:
    """Return a good report of a permit."""
    given = {
        "permit_number": f"IOMKI-{number:06d}",
        "reference": f"lap-{number}-{due_on}",
        "due_on": due_on,
        "form": "2020-v1",
        "employees_total": 240,
        "employees_on_site": 180,
        "has_screening": True,
        "has_protocol_sop": True,
        "transport": "bus",
        "is_declared_true": True,
    }
    return FilingSubmitted.model_validate(given | changes)


@dataclass
class System:
    """Four services, two simulators, and the outside."""

    start: ServiceStarter
    environment: Mapping[str, str]
    processes: dict[str, Process] = field(default_factory=dict)
    received: dict[str, Path] = field(default_factory=dict)

    def up(self, *names: str) -> None:
        """Start simulators and services, on a day of May 2020."""
        self.start.extra.setdefault("RINTIS_CLOCK", f"2020-05-11T02:00:00+00:00@{datetime.now(UTC).isoformat()}*1")
        for name in ("sms", "smtp"):
            _, self.received[name] = self.start.simulator(name)
        for name in names or SERVICES:
            self.processes[name] = self.start(name, wait=False)
        for process in self.processes.values():
            process.wait_until_ready(120)

    async def send(self, events: Iterable[IntakeEvent], publisher: str = "kemnaker", *, times: int = 1) -> None:
        """Publish events, each `times` times with one id."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all", request_timeout_ms=60_000
        )
        await producer.start()
        for event in events:
            envelope = Envelope(str(uuid4()), f"https://{publisher}.example", event.TYPE, datetime.now(UTC))
            for _ in range(times):
                value = event.model_dump_json().encode()
                await producer.send(f"{event.TOPIC}.{publisher}", value, key=event.key().encode(), headers=headers_of(envelope))
        await producer.stop()

    async def send_raw(self, records: Iterable[tuple[str, bytes | None, bytes | None, list[tuple[str, bytes | None]]]]) -> None:
        """Publish records as they are: topic, key, value, headers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.environment["KAFKA_BOOTSTRAP_SERVERS"], acks="all", max_request_size=2 << 20
        )
        await producer.start()
        for topic, key, value, headers in records:
            await producer.send(topic, value, key=key, headers=headers)
        await producer.stop()

    async def rows(self, service: str, sql: str) -> list[dict[str, Any]]:
        """Return what plain SQL finds in a service's database."""
        connection = await asyncpg.connect(self.environment[f"DATABASE_URL_{service.upper()}"])
        try:
            return [dict(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def count(self, service: str, sql: str) -> int:
        """Return the one number that plain SQL finds."""
        return int(next(iter((await self.rows(service, sql))[0].values())))

    def messages(self, kind: str = "sms") -> list[dict[str, Any]]:
        """Return what a simulator has really received."""
        path = self.received[kind]
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    async def audit(self, *, patience: float = 5.0) -> Verdict:
        """Audit as `rintis audit` does."""
        databases = {s: Database(self.environment[f"AUDIT_URL_{s.upper()}"], name="audit", size=2, planner={}) for s in SERVICES}
        for database in databases.values():
            await database.open()
        try:
            bootstrap = self.environment["KAFKA_BOOTSTRAP_SERVERS"]
            async with open_log(bootstrap) as log:
                return await Audit(Sources(databases, bootstrap), log, patience=patience).run()
        finally:
            for database in databases.values():
                await database.close()

    async def drained(self, registrations: int, *, within: float = DRAIN_SECONDS) -> Verdict:
        """Wait until so many registrations were decided on and nothing is on its way; return the audit."""
        decided = "select count(*) from submissions where kind = 'registration'"
        await eventually(
            lambda: self._at_least("registration", decided, registrations), within=within, what="all registrations being read"
        )

        async def rest() -> Verdict | None:
            verdict = await self.audit(patience=0.2)
            waiting = await self.count("notification", "select count(*) from messages where state = 'waiting'")
            requests = await self.count("eligibility", "select count(*) from seat_requests where state = 'requested'")
            return verdict if not (verdict.in_flight or waiting or requests) else None

        verdict = await eventually(rest, within=within, what="nothing being on its way")
        assert verdict is not None
        return verdict

    async def _at_least(self, service: str, sql: str, wanted: int) -> bool:
        return await self.count(service, sql) >= wanted
