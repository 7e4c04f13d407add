"""Everything on one machine, started in order and stopped in reverse: servers, databases, topics, simulators, services."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rintis.runtime.apart import run_apart
from rintis.runtime.archive import kafka_program
from rintis.runtime.databases import AUDIT, AUDIT_ADDRESS, KEY_STORES, SERVICES, Databases
from rintis.runtime.errors import CannotStart
from rintis.runtime.kafka import KafkaPlan, KafkaServer
from rintis.runtime.people import OPERATOR, local_people
from rintis.runtime.ports import LOOPBACK, choose_port, free_port
from rintis.runtime.postgres import ADMIN, PostgresServer
from rintis.runtime.processes import Process, Program, Supervisor
from rintis.runtime.progress import Steps
from rintis.runtime.secrets import Secrets, load_secrets
from rintis.runtime.state import LOCK, ROOT, State
from rintis.runtime.topics import create_all, publishers

PORTS = {
    "console": 8100,
    "registration": 8101,
    "eligibility": 8102,
    "notification": 8103,
    "reporting": 8104,
    "audit": 8105,
    "sms": 8111,
    "smtp": 8112,
    "kafka": 19092,
    "postgres": 15432,
}
"""The usual ports; a taken one moves, unless RINTIS_PORT_<NAME> asked for it."""
ALL_SERVICES = (*SERVICES, "console", AUDIT)
DATABASE_VARIABLES = (
    *(f"DATABASE_URL_{part.upper()}" for part in (*SERVICES, *KEY_STORES)),
    *(f"AUDIT_URL_{service.upper()}" for service in SERVICES),
)
"""With all of them set, those servers are used and none is started."""
AUDIT_VARIABLES = (*(f"AUDIT_URL_{service.upper()}" for service in SERVICES), AUDIT_ADDRESS)


@dataclass(frozen=True, slots=True)
class Options:
    """What to run. `processes` names services of which more than one process runs; `settings` go to every process."""

    services: tuple[str, ...] = ALL_SERVICES
    has_simulators: bool = True
    processes: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    postgres_settings: Mapping[str, str] = field(default_factory=dict)


class Stack:
    """Start and stop everything from one state folder, which the caller holds.

    After `start`: `urls` has each service's address, `variables` what tools need, `received` the simulators' files.
    """

    def __init__(self, state: State, options: Options, steps: Steps) -> None:
        self.state = state
        self.options = options
        self.steps = steps
        self.publishers = publishers(state.read("publishers.json", []))
        self.secrets: Secrets = load_secrets(state, local_people(self.publishers))
        self.urls: dict[str, str] = {}
        self.received: dict[str, Path] = {}
        self.kafka: KafkaServer | None = None
        self.postgres: PostgresServer | None = None
        self.bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
        self.databases: Databases | None = None
        self._services = Supervisor(steps.note)
        self._simulators = Supervisor(steps.note)

    def start(self) -> None:
        """Start everything and return once every service says that it is ready.

        Raises:
            CannotStart: with what is missing; what was started until then is stopped again by `stop`.
        """
        if left := self.state.end_leftovers():
            self.steps.note(f"Ended what an earlier start had left running: {', '.join(left)}.")
        self.start_servers()
        if self.options.has_simulators:
            self._start_simulators()
        self._start_services()
        self.state.write("environment.json", self.variables())

    def start_servers(self) -> None:
        """Start Kafka and PostgreSQL, or use those that the environment names; make databases and topics."""
        self._start_postgres()
        self._start_kafka()

    def stop(self) -> None:
        """Stop everything, the services first, so that they can hand over what they hold."""
        for name, supervisor in (("services", self._services), ("simulators", self._simulators)):
            if supervisor.processes:
                with self.steps.step(f"Stopping the {name}"):
                    supervisor.stop()
        if self.kafka is not None and self.kafka.is_running:
            with self.steps.step("Stopping Kafka"):
                self.kafka.stop()
        if self.postgres is not None and self.postgres.is_running:
            with self.steps.step("Stopping PostgreSQL"):
                self.postgres.stop()
        (self.state.folder / "environment.json").unlink(missing_ok=True)

    def process(self, name: str) -> Process:
        """Return the process of a slot, such as `eligibility` or `eligibility-2`."""
        everything = [*self._services.processes, *self._simulators.processes]
        return next(process for process in everything if process.program.name == name)

    def variables(self) -> dict[str, str]:
        """Return every variable that the command line's tools and the services read, for this stack."""
        merged = self._settings("")
        for service in SERVICES:
            merged |= self._settings(service)
        audit = self.databases.audit_environment() if self.databases else _given((*DATABASE_VARIABLES, AUDIT_ADDRESS))
        received = {f"RINTIS_RECEIVED_{name.upper()}": str(path) for name, path in self.received.items()}
        return merged | audit | received | {"RINTIS_TOKEN": self.secrets.tokens[OPERATOR]}

    def _start_postgres(self) -> None:
        if any(name.startswith("DATABASE_URL_") for name in os.environ):
            if missing := [name for name in DATABASE_VARIABLES if name not in os.environ]:
                raise CannotStart(
                    f"Some databases are named by the environment, these are not: {', '.join(missing)}.",
                    "Set all of them to use servers of your own, or none to have PostgreSQL started here.",
                )
            return
        password = self.secrets.passwords[ADMIN]
        settings = self.options.postgres_settings
        self.postgres = PostgresServer(
            self.state, port=choose_port("postgres", PORTS["postgres"]), password=password, settings=settings
        )
        with self.steps.step("Starting PostgreSQL"):
            self.postgres.start()
        self.databases = Databases(self.postgres.url, self.secrets.passwords, socket_folder=self.postgres.socket_folder)
        with self.steps.step("Making databases and roles"):
            run_apart(self.databases.create())

    def _start_kafka(self) -> None:
        if not self.bootstrap:
            program = kafka_program(self.steps)
            plan = KafkaPlan(program, choose_port("kafka", PORTS["kafka"]), free_port(), flush_settings())
            self.kafka = KafkaServer(self.state, plan)
            with self.steps.step("Starting Kafka"):
                self.kafka.start()
            self.bootstrap = self.kafka.bootstrap
        with self.steps.step("Making topics"):
            run_apart(create_all(self.bootstrap, self.publishers))

    def _start_simulators(self) -> None:
        with self.steps.step("Starting the simulators of SMS provider and mail server") as say:
            for name in ("sms", "smtp"):
                port = choose_port(name, PORTS[name])
                self.received[name] = self.state.folder / "received" / f"{name}.jsonl"
                self.received[name].parent.mkdir(mode=0o700, exist_ok=True)
                variables = {
                    **_inherited(),
                    "RINTIS_SIM_PORT": str(port),
                    "RINTIS_SIM_FILE": str(self.received[name]),
                    "RINTIS_SMS_TOKEN": self.secrets.sms_token,
                }
                program = Program(name, f"simulators.{name}", port, variables, ready_path=None)
                self._simulators.start(Process(self.state, program))
            self._simulators.wait_until_ready(say)

    def _start_services(self) -> None:
        ports = {name: choose_port(name, PORTS[name]) for name in self.options.services}
        self.urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
        with self.steps.step("Starting the services") as say:
            for name, port in ports.items():
                self._services.start(self._service(name, name, port))
                for number in range(2, self.options.processes.get(name, 1) + 1):
                    self._services.start(self._service(name, f"{name}-{number}", free_port()))
            self._services.wait_until_ready(say)

    def _service(self, name: str, slot: str, port: int) -> Process:
        own = {"RINTIS_HTTP_HOST": LOOPBACK, "RINTIS_HTTP_PORT": str(port), "RINTIS_INSTANCE": slot}
        variables = {**_inherited(), **self._settings(name), **own, **self.options.settings}
        module = "rintis.operations" if name == AUDIT else f"services.{name}"
        return Process(self.state, Program(slot, module, port, variables))

    def _settings(self, service: str) -> dict[str, str]:
        """Return the variables of one service, without its own port: its databases, its keys, the addresses of all."""
        databases = self._databases_of(service) if service in (*SERVICES, AUDIT) else {}
        secrets = {name: os.environ.get(name, value) for name, value in self.secrets.environment(service).items()}
        settings = {"KAFKA_BOOTSTRAP_SERVERS": self.bootstrap, "RINTIS_POLICIES": str(ROOT / "policies")}
        settings |= {f"RINTIS_URL_{name.upper()}": url for name, url in self.urls.items()}
        if service == "console":
            settings["RINTIS_TOKEN"] = self.secrets.tokens[OPERATOR]
        if service == "notification" and self.options.has_simulators:
            sms, smtp = (self._simulators.processes[number].program for number in (0, 1))
            settings |= {"RINTIS_SMS_URL": sms.url, "RINTIS_SMTP_HOST": LOOPBACK, "RINTIS_SMTP_PORT": str(smtp.port)}
        return settings | databases | secrets

    def _databases_of(self, service: str) -> dict[str, str]:
        if service == AUDIT:
            return self.databases.audit_environment() if self.databases else _given(AUDIT_VARIABLES)
        if self.databases:
            return self.databases.environment(service)
        stores = (store for store, users in KEY_STORES.items() if service in users)
        return _given(tuple(f"DATABASE_URL_{part.upper()}" for part in (service, *stores)))


def flush_settings() -> dict[str, str]:
    """Return the broker's settings for RINTIS_KAFKA_FLUSH_MESSAGES: with 1 a power cut costs no acknowledged record, and speed."""
    messages = os.environ.get("RINTIS_KAFKA_FLUSH_MESSAGES")
    return {"log.flush.interval.messages": messages} if messages else {}


def clear(state: State) -> None:
    """End what still runs from a state folder that the caller holds, and delete all data in it."""
    state.end_leftovers()
    PostgresServer(state, port=0, password="").remove()
    for path in state.folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
    state.create()


def _given(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def _inherited() -> dict[str, str]:
    """Return what a service may know of this process' environment: not the keys and databases of other services."""
    secret = ("RINTIS_MASTER_", "RINTIS_BLIND", "DATABASE_URL_", "AUDIT_URL_", "RINTIS_PORT_", "RINTIS_ADMIN")
    return {name: value for name, value in os.environ.items() if not name.startswith(secret)}
