"""The floor of `bench/floor`, on servers of the same kind with the same settings."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from aiokafka.admin import NewTopic

from bench.floor.incubators import make_incubators
from bench.floor.steps import STEPS, make_tables
from rintis.bench.loads import OfFloor
from rintis.bench.systems import SQL, System
from rintis.runtime.apart import run_apart
from rintis.runtime.archive import kafka_program
from rintis.runtime.databases import near_url
from rintis.runtime.kafka import KafkaPlan, KafkaServer
from rintis.runtime.ports import free_port
from rintis.runtime.postgres import PostgresServer
from rintis.runtime.processes import STOP_SECONDS
from rintis.runtime.progress import Steps
from rintis.runtime.state import State
from rintis.runtime.topics import create_topics

DATABASE = "floor"


class FloorSystem(System):
    """Four processes of plain Python."""

    name = "floor"
    form = OfFloor()

    def __init__(self, state: State, seats: int, steps: Steps, *, postgres_settings: Mapping[str, str] | None = None) -> None:
        super().__init__(state)
        self._seats = seats
        self._steps = steps
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._postgres = PostgresServer(state, port=free_port(), password=secrets.token_urlsafe(24), settings=postgres_settings)
        self._kafka = KafkaServer(state, KafkaPlan(kafka_program(steps), free_port(), free_port(), {}))

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self._kafka.bootstrap

    @property
    def admin_url(self) -> str:
        """The address of PostgreSQL's administrator."""
        return self._postgres.url

    @property
    def databases(self) -> Sequence[str]:
        """The only one."""
        return [DATABASE]

    def up(self) -> None:
        """Start servers and processes."""
        with self._steps.step("Starting the floor"):
            self._postgres.start()
            self._kafka.start()
            run_apart(self._prepare())
            environment = {
                **os.environ,
                "FLOOR_KAFKA": self.bootstrap,
                "FLOOR_DATABASE": near_url(self._url, self._postgres.socket_folder),
            }
            for name in STEPS:
                command = (sys.executable, "-m", "bench.floor", name)
                self._workers[name] = self.state.spawn(name, command, environment=environment)

    def down(self) -> None:
        """Stop processes and servers."""
        for worker in self._workers.values():
            self.state.end_child(worker, signal.SIGTERM, STOP_SECONDS)
        self._kafka.stop()
        self._postgres.stop()

    async def pulse(self) -> int:
        """Return how many tasks were written down, about."""
        return int((await self.row(DATABASE, "read_pulse", "tasks", "number"))["pulse"] or 0)

    async def is_settled(self, published: int) -> bool:
        """Whether each record has a task or was refused."""
        row = await self.row(DATABASE, "count_floor")
        return bool(row["tasks"] + row["refusals"] >= published)

    async def last_done_at(self) -> datetime:
        """Return when the last task was written down."""
        found: datetime = (await self.row(DATABASE, "find_last_floor"))["at"]
        return found

    async def done_at(self, ids: Sequence[UUID]) -> Mapping[UUID, datetime]:
        """Return when each registration's task was committed."""
        return {row["id"]: row["at"] for row in await self.rows(DATABASE, "find_floor_done", list(ids))}

    @property
    def _url(self) -> str:
        return urlsplit(self.admin_url)._replace(path=f"/{DATABASE}").geturl()

    async def _prepare(self) -> None:
        topics = [NewTopic(step.hears, 1, 1) for step in STEPS.values()]
        await create_topics(self.bootstrap, topics)
        admin = await asyncpg.connect(self.admin_url)
        await admin.execute(SQL["create_floor"])
        await admin.close()
        connection = await asyncpg.connect(self._url)
        await make_tables(connection, make_incubators(self._seats))
        await connection.close()
