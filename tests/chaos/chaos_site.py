"""The acceptance tests' system as a place for a load and an oracle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rintis.runtime.databases import SERVICES
from tests.acceptance.acceptance_stage import System


@dataclass(frozen=True)
class Site:
    """One process per service, and every server reached directly."""

    system: System

    @property
    def bootstrap(self) -> str:
        return self.system.environment["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def databases(self) -> Mapping[str, str]:
        return {service: self.system.environment[f"DATABASE_URL_{service.upper()}"] for service in SERVICES}

    @property
    def received(self) -> Mapping[str, Path]:
        return self.system.received

    @property
    def http(self) -> Mapping[str, str]:
        return {name: process.program.url for name, process in self.system.processes.items()}

    @property
    def tokens(self) -> Mapping[str, str]:
        return self.system.start.servers.secrets.tokens
