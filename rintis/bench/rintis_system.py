"""Rintis as `rintis up` runs it, with all guarantees on, and with the floor's 500 incubators instead of the known few."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.floor.incubators import make_incubators
from rintis.bench.loads import OfRintis
from rintis.bench.systems import System
from rintis.runtime.databases import KEY_STORES, SERVICES
from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import free_port
from rintis.runtime.progress import Steps
from rintis.runtime.stack import Options, Stack
from rintis.runtime.state import ROOT, State
from shared.clock import Clock

BEGINS = datetime(2020, 5, 11, 2, 0, tzinfo=UTC)
"""Monday 09:00 WIB in the first week after the policy of 8 May 2020; business time runs as fast as real time."""
ROLES = "RINTIS_NOTIFICATION_ROLES"
SENDER = "notification-send"
SECTORS = {"jasa": "kreatif"}
"""The floor's sectors that the reference data calls otherwise."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What differs from run to run. `seats` is how many the 500 incubators have in all."""

    seats: int
    processes: Mapping[str, int] = field(default_factory=dict)
    postgres_settings: Mapping[str, str] = field(default_factory=dict)


class BenchStack(Stack):
    """A stack whose notification only hears; senders are started when it is their turn."""

    _added = 0

    def add_senders(self, count: int) -> None:
        """Start processes that send, and return once they are ready."""
        self.options = replace(self.options, settings={**self.options.settings, ROLES: "send"})
        for _ in range(count):
            self.add("notification", SENDER)

    def add(self, service: str, name: str) -> str:
        """Start one more process of a service, return its slot once it is ready."""
        self._added += 1
        slot = f"{name}-{self._added + 1}"
        self._services.start(self._service(service, slot, free_port()))
        self.process(slot).wait_until_ready()
        return slot

    def remove(self, slot: str) -> None:
        """Stop a process that was added."""
        self._services.remove(self.process(slot))


class RintisSystem(System):
    """All services, one process each unless told otherwise, on servers with their production settings."""

    name = "rintis"
    form = OfRintis()

    def __init__(self, state: State, setup: Setup, steps: Steps) -> None:
        super().__init__(state)
        self.clock = str(Clock(BEGINS, datetime.now(UTC), 1.0))
        policies = _policies_with(setup.seats, state.folder / "policies")
        settings = {"RINTIS_CLOCK": self.clock, "RINTIS_POLICIES": str(policies), ROLES: "hear"}
        options = Options(processes=setup.processes, settings=settings, postgres_settings=setup.postgres_settings)
        self.stack = BenchStack(state, options, steps)

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.stack.bootstrap

    @property
    def admin_url(self) -> str:
        """The address of PostgreSQL's administrator."""
        if self.stack.postgres is None:
            raise CannotStart("PostgreSQL was not started.")
        return self.stack.postgres.url

    @property
    def databases(self) -> Sequence[str]:
        """The four services' and the key stores'."""
        return [f"rintis_{part}" for part in (*SERVICES, *KEY_STORES)]

    def up(self) -> None:
        """Start everything."""
        self.stack.start()

    def down(self) -> None:
        """Stop everything."""
        self.stack.stop()

    async def pulse(self) -> int:
        """Return how many messages were written down, about."""
        return int((await self.row("rintis_notification", "read_pulse", "messages", "seq"))["pulse"] or 0)

    async def count(self) -> list[dict[str, Any]]:
        """Return what is there: of registration, of eligibility, of notification."""
        return [
            await self.row("rintis_registration", "count_verdicts"),
            await self.row("rintis_eligibility", "count_decisions"),
            await self.row("rintis_notification", "count_told"),
        ]

    async def is_settled(self, published: int) -> bool:
        """Whether each record has its verdict, each accepted one its decision, and each of both its messages and tasks."""
        verdicts, decided, told = await self.count()
        enough = (
            verdicts["submissions"] >= published,
            decided["decisions"] >= verdicts["accepted"],
            told["registered"] >= verdicts["accepted"],
            told["decided"] >= decided["decisions"],
            told["placed"] >= decided["requests"],
            told["tasks"] >= decided["reviews"],
        )
        return all(enough) and not any(row["is_waiting"] for row in (verdicts, decided, told))

    async def last_done_at(self) -> datetime:
        """Return when the last message or task was written down."""
        found: datetime = (await self.row("rintis_notification", "find_last_told"))["at"]
        return found

    async def done_at(self, ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Return when the last message or task about each accepted registration's worker was committed."""
        rows = await self.rows("rintis_registration", "find_persons", list(ids))
        persons = {row["person_id"]: row["id"] for row in rows}
        told = await self.rows("rintis_notification", "find_told", list(persons))
        return {persons[row["person_id"]]: row["at"] for row in told}

    async def is_unsent(self) -> bool:
        """Whether messages still wait for a sender."""
        return bool((await self.row("rintis_notification", "find_unsent"))["is_unsent"])

    async def sent(self) -> tuple[int, float]:
        """Return how many messages were sent, and in how many seconds."""
        row = await self.row("rintis_notification", "count_sent")
        return row["sent"], (row["ended"] - row["began"]).total_seconds() if row["sent"] else 0.0


def _policies_with(seats: int, folder: Path) -> Path:
    """Copy the policies, with the floor's incubators: as many, as large, in the same provinces."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "policies", folder)
    incubators = [
        {
            "code": f"INK-{place.id:03d}",
            "name": f"Inkubator {place.id:03d}",
            "province": place.province,
            "regency": None,
            "sectors": [SECTORS.get(place.sector, place.sector)],
            "seats": place.seats,
            "intake": "rolling",
            "is_assumption": True,
        }
        for place in make_incubators(seats)
    ]
    path = folder / "eligibility" / "incubators.json"
    path.write_text(json.dumps({"incubators": incubators}), encoding="utf-8")
    return folder
