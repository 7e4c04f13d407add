"""What one test works with: fresh databases, empty topics, and every variable that a service reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rintis.runtime.databases import SERVICES, Databases
from rintis.runtime.ports import LOOPBACK, free_port
from rintis.runtime.processes import Process, Program
from rintis.runtime.secrets import Secrets
from rintis.runtime.state import ROOT, State
from rintis.testing.kafka import KafkaForTests
from rintis.testing.postgres import PostgresForTests

READY_SECONDS = 60.0
"""For one service on a machine that runs other tests too."""


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of a test session and what opens them."""

    state: State
    secrets: Secrets
    kafka: KafkaForTests
    postgres: PostgresForTests


def settings_of(service: str, databases: Databases, secrets: Secrets, bootstrap: str) -> dict[str, str]:
    """Return the variables that one service is given, and none of another's."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "RINTIS_POLICIES": str(ROOT / "policies"),
        **databases.environment(service),
        **secrets.environment(service),
    }


def settings_of_all(databases: Databases, secrets: Secrets, bootstrap: str) -> dict[str, str]:
    """Return every service's variables and the auditor's, for tests that build parts of services in their own process."""
    merged = {name: value for service in SERVICES for name, value in settings_of(service, databases, secrets, bootstrap).items()}
    return merged | databases.audit_environment()


@dataclass(slots=True)
class ServiceStarter:
    """Starts services and simulators of one test as processes, and stops them when it ends."""

    servers: Servers
    databases: Databases
    extra: dict[str, str] = field(default_factory=dict)
    """Variables that every process of this test gets, such as RINTIS_CLOCK."""
    started: list[Process] = field(default_factory=list)

    def __call__(
        self, name: str, environment: Mapping[str, str] | None = None, *, instance: str = "", wait: bool = True
    ) -> Process:
        """Start a service and return it once it is ready (at once with `wait=False`)."""
        port = free_port()
        variables = {
            **inherited(),
            **settings_of(name, self.databases, self.servers.secrets, self.servers.kafka.bootstrap),
            "RINTIS_HTTP_HOST": LOOPBACK,
            "RINTIS_HTTP_PORT": str(port),
            "RINTIS_INSTANCE": instance or f"{name}-{len(self.started)}",
            **self.extra,
            **(environment or {}),
        }
        return self._start(Program(self._slot(name), f"services.{name}", port, variables), wait=wait)

    def simulator(self, name: str) -> tuple[Process, Path]:
        """Start a simulator, tell every later service of it, and return it with the file of what it receives."""
        port = free_port()
        received = self.servers.state.folder / f"{self._slot(name)}{self.databases.suffix}.jsonl"
        # Sets of databases are used again by later tests, and so are names made of them: a test starts with nothing received.
        received.unlink(missing_ok=True)
        variables = {**inherited(), "RINTIS_SIM_PORT": str(port), "RINTIS_SIM_FILE": str(received)}
        if name == "sms":
            variables["RINTIS_SMS_TOKEN"] = self.servers.secrets.sms_token
            self.extra["RINTIS_SMS_URL"] = f"http://{LOOPBACK}:{port}"
        else:
            self.extra |= {"RINTIS_SMTP_HOST": LOOPBACK, "RINTIS_SMTP_PORT": str(port)}
        process = self._start(Program(self._slot(name), f"simulators.{name}", port, variables, ready_path=None), wait=True)
        return process, received

    def stop_all(self) -> None:
        """Stop what still runs."""
        for process in reversed(self.started):
            process.stop()

    def _slot(self, name: str) -> str:
        return f"{name}{self.databases.suffix}-{len(self.started)}"

    def _start(self, program: Program, *, wait: bool) -> Process:
        process = Process(self.servers.state, program)
        process.start()
        self.started.append(process)
        if wait:
            process.wait_until_ready(READY_SECONDS)
        return process


def inherited() -> dict[str, str]:
    """Return this process' variables without those that name other servers than the test's own."""
    ours = ("RINTIS_", "KAFKA_", "DATABASE_URL", "AUDIT_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
