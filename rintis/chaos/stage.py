"""The whole of Rintis as processes, with a bad network in reach: two processes per service, each behind proxies of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from rintis.chaos.logs import last_reason
from rintis.chaos.volumes import Volume, unmount_below
from rintis.runtime.databases import SERVICES, Databases
from rintis.runtime.kafka import Door
from rintis.runtime.people import local_people
from rintis.runtime.ports import LOOPBACK, free_port
from rintis.runtime.processes import STOP_SECONDS, Process, Program
from rintis.runtime.secrets import Secrets, load_secrets
from rintis.runtime.state import State
from rintis.runtime.topics import create_topics, topics_wanted
from rintis.testing.environment import inherited, settings_of
from rintis.testing.kafka import JAVA_FOR_TESTS, PUBLISHERS, EmbeddedKafka
from rintis.testing.postgres import EmbeddedPostgres
from rintis.testing.proxy import Link
from shared.clock import Clock

SIDES = ("1", "2")
"""Names of a service's usual processes, one or both; a third, without a name of its own, comes and goes."""
THIRD = "3"
BEGINS = datetime(2020, 5, 11, 2, 0, tzinfo=UTC)
"""Monday 09:00 WIB in the first week after the policy of 8 May 2020."""
READY_SECONDS = 120.0
"""For all processes together on a machine that does other work too."""
LOOK_SECONDS = 0.2
"""How often processes are looked at; one that ended is started again at the next look but one, as a supervisor does."""
RESTART_SECONDS = 0.3
SIMULATORS = ("sms", "smtp")


@dataclass(slots=True)
class Slot:
    """One place for a process of a service, with its own way to each server."""

    name: str
    service: str
    kafka: Link
    postgres: Link
    process: Process
    is_kept: bool = False
    """Whether the process is started again when it ends."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that ended although nobody ended it, with what its log gives as the reason."""

    slot: str
    code: int
    reason: str
    at: float


@dataclass
class Stage:
    """Servers, simulators and services of one run, started from a state folder that the caller holds.

    `bootstrap` and `databases` lead to the servers directly, past every proxy: they are for the load and for those who count.
    """

    state: State
    has_volumes: bool = False
    partitions: int | None = None
    members: int = len(SIDES)
    """Usual processes of each service."""
    java: tuple[str, ...] = JAVA_FOR_TESTS
    """Options of the broker's Java machine."""
    settings: Mapping[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    http: dict[str, str] = field(default_factory=dict)
    received: dict[str, Path] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    """Where a simulator is told how to behave."""
    ended: list[Ended] = field(default_factory=list)
    clock: Clock = field(default_factory=lambda: Clock(BEGINS, datetime.now(UTC), 1.0))

    def __post_init__(self) -> None:
        """Choose every port; nothing is started before `up`."""
        unmount_below(self.state.folder)
        self.secrets: Secrets = load_secrets(self.state, local_people(PUBLISHERS))
        self.postgres = EmbeddedPostgres(self.state, self.secrets)
        ways = {f"{service}-{side}": (free_port(), free_port()) for service in SERVICES for side in (*SIDES, THIRD)}
        doors = [Door(f"SLOT{number}", *ports) for number, ports in enumerate(ways.values())]
        self.kafka = EmbeddedKafka(self.state, doors, self.java)
        self.volumes = {"kafka": Volume(self.kafka.data), "postgres": Volume(self.postgres.data.parent)}
        self.bootstrap = self.kafka.bootstrap
        own = Databases(self.postgres.url, self.secrets.passwords)
        self.databases = {service: own.url(service, service) for service in SERVICES}
        self.audit_databases = own.audit_environment()
        self._own = own
        self._ways = {
            name: (Link(advertised, [port]), Link(free_port(), [self.postgres.port])) for name, (port, advertised) in ways.items()
        }
        self._fronts: dict[str, Link] = {}
        self._keeper: asyncio.Task[None] | None = None

    @property
    def tokens(self) -> Mapping[str, str]:
        """Bearer tokens by caller: publishers, staff, the operator."""
        return self.secrets.tokens

    async def up(self) -> None:
        """Start everything and return once every service is ready."""
        for volume in self.volumes.values() if self.has_volumes else ():
            volume.mount()
        await asyncio.gather(asyncio.to_thread(self.kafka.up), asyncio.to_thread(self.postgres.up))
        await self._own.create()
        await create_topics(self.bootstrap, topics_wanted(PUBLISHERS, most_partitions=self.partitions))
        for name in SIMULATORS:
            self._start_simulator(name)
        for service in SERVICES:
            await self._add_service(service)
        for name in self.usual():
            self.slots[name].process.start()
        end = time.monotonic() + READY_SECONDS
        for name in (*SIMULATORS, *self.usual()):
            await asyncio.to_thread(self.processes[name].wait_until_ready, end - time.monotonic())
        for name in self.usual():
            self.slots[name].is_kept = True
        self._keeper = asyncio.create_task(self._keep())

    async def down(self) -> None:
        """Stop everything, services first, and take the volumes away; logs and received messages stay."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        for slot in self.slots.values():
            slot.is_kept = False
        await asyncio.gather(*(asyncio.to_thread(p.stop, STOP_SECONDS) for p in self.processes.values() if p.pid is not None))
        for link in self.links():
            await link.close()
        await asyncio.gather(asyncio.to_thread(self.kafka.down), asyncio.to_thread(self.postgres.stop_at_once))
        self.postgres.remove()
        for volume in self.volumes.values():
            volume.unmount()

    def links(self) -> list[Link]:
        """Return every proxied way."""
        return [*(link for pair in self._ways.values() for link in pair), *self._fronts.values()]

    def of(self, service: str) -> list[Slot]:
        """Return the usual slots of a service."""
        return [self.slots[f"{service}-{side}"] for side in SIDES[: self.members]]

    def usual(self) -> list[str]:
        """Return the names of every service's usual slots, in a fixed order."""
        return [f"{service}-{side}" for service in SERVICES for side in SIDES[: self.members]]

    def variables(self, slot: str, changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a slot's process. The third of a service has no name of its own in its groups."""
        service, _, side = slot.partition("-")
        kafka, postgres = self._ways[slot]
        server = urlsplit(self._own.admin_url)
        proxied = server._replace(netloc=f"{server.username}:{server.password}@{LOOPBACK}:{postgres.port}").geturl()
        databases = Databases(proxied, self.secrets.passwords)
        own = {"RINTIS_HTTP_HOST": LOOPBACK, "RINTIS_HTTP_PORT": str(self._port_of(slot)), "RINTIS_CLOCK": str(self.clock)}
        if side != THIRD:
            own["RINTIS_INSTANCE"] = slot
        providers = {"RINTIS_SMS_URL": self.processes["sms"].program.url, "RINTIS_SMTP_HOST": LOOPBACK}
        providers["RINTIS_SMTP_PORT"] = str(self.processes["smtp"].program.port)
        settings = settings_of(service, databases, self.secrets, kafka.address)
        return {**inherited(), **settings, **own, **providers, **self.settings, **(changes or {})}

    async def restart(self, slot: Slot, changes: Mapping[str, str]) -> None:
        """Stop a slot's process and start it with other settings; it keeps them until the next `restart`."""
        slot.is_kept = False
        await asyncio.to_thread(slot.process.stop)
        program = Program(slot.name, f"services.{slot.service}", self._port_of(slot.name), self.variables(slot.name, changes))
        slot.process = self.processes[slot.name] = Process(self.state, program)
        slot.process.start()
        slot.is_kept = True

    def _port_of(self, slot: str) -> int:
        known = self.slots.get(slot)
        return known.process.program.port if known else free_port()

    def _start_simulator(self, name: str) -> None:
        port, control = free_port(), free_port()
        self.received[name] = self.state.folder / f"received-{name}.jsonl"
        self.received[name].unlink(missing_ok=True)
        variables = {**inherited(), "RINTIS_SIM_PORT": str(port), "RINTIS_SIM_FILE": str(self.received[name])}
        variables |= {"RINTIS_SMS_TOKEN": self.secrets.sms_token, "RINTIS_SIM_CONTROL_PORT": str(control)}
        self.processes[name] = Process(self.state, Program(name, f"simulators.{name}", port, variables, ready_path=None))
        self.processes[name].start()
        self.controls[name] = f"http://{LOOPBACK}:{port if name == 'sms' else control}/v1/behaviour"

    async def _add_service(self, service: str) -> None:
        for side in (*SIDES, THIRD):
            name = f"{service}-{side}"
            kafka, postgres = self._ways[name]
            await kafka.open()
            await postgres.open()
            variables = self.variables(name)
            program = Program(name, f"services.{service}", int(variables["RINTIS_HTTP_PORT"]), variables)
            self.processes[name] = Process(self.state, program)
            self.slots[name] = Slot(name, service, kafka, postgres, self.processes[name])
        front = Link(free_port(), [slot.process.program.port for slot in self.of(service)])
        await front.open()
        self._fronts[service] = front
        self.http[service] = f"http://{front.address}"

    async def _keep(self) -> None:
        """Start again what has ended, and remember what ended by itself."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for slot in self.slots.values():
                if slot.is_kept and (code := slot.process.exit_code) is not None:
                    await asyncio.sleep(RESTART_SECONDS)
                    if code > 0:
                        self.ended.append(Ended(slot.name, code, last_reason(slot.process.log), time.time()))
                    slot.process.wait()
                    slot.process.start()
