"""A service process: servers, consumers, relay, jobs and HTTP doors, started and stopped in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from aiokafka.errors import KafkaError
from fastapi import APIRouter
from faststream.kafka import KafkaBroker

from shared.errors import Fatal
from shared.messaging import Consumer, Limits, Reader, Relay, Subscription
from shared.messaging.broker import make_broker, make_producer
from shared.messaging.pipeline import Pipeline
from shared.messaging.reader import NOTE_SECONDS
from shared.messaging.tails import verify_sequences
from shared.messaging.vault import Vault
from shared.security import KEY_MIGRATIONS, Callers, KeyStore
from shared.service.app import Overview, State, make_app
from shared.service.chores import Chores
from shared.service.jobs import Job, repeat
from shared.service.operations import OperationsDesk, make_operations_router
from shared.service.queues import read_queues
from shared.service.settings import ServiceSettings
from shared.service.sparing import Sparing
from shared.service.waiting import find_topics, until_there
from shared.storage import MIGRATIONS, TRANSIENT, Database, load_queries, migrate
from shared.telemetry import configure_logs, get_logger

log = get_logger(__name__)
SQL = load_queries("shared.storage")

HTTP_DRAIN_SECONDS = 10
"""How long requests in hand may take at a stop. Its parts may each take long, but not all of them: `STOP_SECONDS` bounds them together."""
STOP_SECONDS = 28.0
"""Longest stop of a process: below the 30 s after which `rintis up` kills it, and a container's 40. What it has in hand then is as safe as at a
crash; a stop that hung instead would keep the next process in its slot from its work."""
RELAY_DRAIN_SECONDS = 5.0
"""How long the relay goes on at a stop; what is left waits in the outbox for the next start."""
EXPIRE_SECONDS = 300.0
"""How often keys whose time is over are destroyed."""
GC_THRESHOLDS = (100_000, 50, 100)
"""Batches make many objects that die young and no cycles; measured, this halves the cost of decoding."""


def _end_at_once() -> None:
    """End the process as a kill would, whatever its loop is doing."""
    log.error("The stop took too long and is cut off.", action="stop_cut_off")
    sys.stdout.flush()
    os._exit(1)


class _Server(uvicorn.Server):
    """Leaves signals to the service, which stops more than HTTP, and tells it when the door is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.open.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


@dataclass
class Service:
    """One process of one service. Built by the service's composition root; `run` blocks until a stop.

    `record_keys` keeps what must be set aside of the intake; `overview` gives the live page its business counts.
    """

    name: str
    settings: ServiceSettings
    database: Database | None = None
    migrations: Path | None = None
    subscriptions: Sequence[Subscription] = ()
    jobs: Sequence[Job] = ()
    routers: Sequence[APIRouter] = ()
    key_stores: Sequence[KeyStore] = ()
    record_keys: KeyStore | None = None
    databases: Sequence[Database] = ()
    on_start: Sequence[Callable[[], Awaitable[None]]] = ()
    on_stop: Sequence[Callable[[], Awaitable[None]]] = ()
    overview: Overview | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Build what is made of the parts; nothing is opened before `run`."""
        self.state = State()
        self.relay = self._make_relay()
        self._vault = Vault(self.name, self.record_keys, self.limits.dead_record_days) if self.record_keys else None
        self._failure: Fatal | None = None
        self._stop = asyncio.Event()
        self._cut_off: threading.Timer | None = None
        self._broker: KafkaBroker | None = None
        self._chores = self._make_chores()
        routers, overview = [*self.routers, *self._operations()], Sparing(self._read_overview).read
        self.app = make_app(self.name, routers, self.state, overview, after_writes=self._wake_relay)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; another exit status after something that no retry can mend."""
        configure_logs(self.name, self.settings.instance or "0")
        self._cut_off = threading.Timer(STOP_SECONDS, _end_at_once)
        self._cut_off.daemon = True
        uvloop.run(self.serve())
        self._cut_off.cancel()
        if self._failure is not None:
            sys.exit(self._failure.exit_code)

    async def serve(self) -> None:
        """Start everything in order, wait for the stop, stop everything in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        config = uvicorn.Config(self.app, self.settings.http_host, self.settings.http_port, log_config=None, access_log=False)
        server = _Server(config)
        http = asyncio.create_task(server.serve())
        start = asyncio.create_task(self._start(server))
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({start, stop, http}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                await asyncio.wait({stop, http}, return_when=asyncio.FIRST_COMPLETED)
        except Fatal as error:
            self.fail(error)
        finally:
            self.state.waits_for = "stop"
            start.cancel()
            await self._shut_down(server, http)

    def stop(self) -> None:
        """Ask for an orderly stop; `serve` returns when it is done."""
        self._stop.set()

    def fail(self, error: Fatal) -> None:
        """Stop the process for a reason that a retry cannot mend, and say which.

        The first reason counts: what fails while everything stops is its consequence.
        """
        log.error("The service stops.", action="fatal", error=type(error).__name__, reason=str(error), **error.details)
        self._failure = self._failure or error
        self._stop.set()

    async def _start(self, server: _Server) -> None:
        bootstrap = self.settings.kafka_bootstrap_servers
        await self._open_stores()
        if self.subscriptions:
            own = [s.topic.name for s in self.subscriptions if not s.topic.is_intake]
            await until_there(f"Kafka ({bootstrap})", partial(find_topics, bootstrap, own), self._say)
        for hook in self.on_start:
            await until_there("its servers", hook, self._say)
        if self.database is not None:
            await until_there(f"Kafka ({bootstrap})", partial(verify_sequences, self.name, bootstrap, self.database), self._say)
        self.state.waits_for = "first assignments"
        self._broker = self._make_consumers()
        self._spawn_tasks()
        if self.state.readers:
            await until_there(f"Kafka ({bootstrap})", self._start_consumers, self._say)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        # A service without servers of its own gets here before its door is open.
        self.state.waits_for = "its HTTP port"
        await server.open.wait()
        self.state.waits_for = None
        log.info("The service is ready.", action="ready")

    async def _start_consumers(self) -> None:
        """Start every consumer; where Kafka goes away meanwhile, stop those that were started and begin again."""
        if self._broker is None:
            return
        try:
            await self._broker.start()
        except KafkaError:
            await self._broker.stop()
            raise

    async def _open_stores(self) -> None:
        """Open every database and bring its tables up to date, however long its server takes to come."""
        stores = [store.database for store in self.key_stores]
        folders = {store: [KEY_MIGRATIONS] for store in stores}
        if self.database is not None:
            folders[self.database] = [MIGRATIONS, *([self.migrations] if self.migrations else [])]
        for database in [*stores, *self.databases, *([self.database] if self.database else [])]:
            what = f"PostgreSQL ({database.name})"
            await until_there(what, database.open, self._say)
            if database in folders:
                await until_there(what, partial(migrate, database, *folders[database]), self._say)

    def _make_consumers(self) -> KafkaBroker:
        client_id = f"{self.name}-{self.settings.instance or 'process'}"
        broker = make_broker(self.settings.kafka_bootstrap_servers, self.limits, client_id)
        clients: dict[str, list[Consumer]] = {}
        for subscription in self.subscriptions:
            if self.database is None:
                raise Fatal(f"{self.name} hears events but has no database")
            pipeline = Pipeline(subscription, self.database, clock=self.settings.clock, limits=self.limits, vault=self._vault)
            clients.setdefault(subscription.reader, []).append(Consumer(pipeline))
        for consumers in clients.values():
            reader = Reader(
                broker,
                consumers,
                bootstrap=self.settings.kafka_bootstrap_servers,
                limits=self.limits,
                instance=self.settings.instance,
                fail=self.fail,
                committed=self._wake,
            )
            self.state.readers.append(reader)
            self.state.consumers.extend(consumers)
        return broker

    def _operations(self) -> list[APIRouter]:
        """Return the operators' door of a service that has something to operate."""
        if self.database is None:
            return []
        desk = OperationsDesk(self.database, self.state.consumers, self.limits)
        return [make_operations_router(desk, Callers.load(self.settings.callers_file))]

    async def _read_overview(self) -> dict[str, Any]:
        counts = await self.overview() if self.overview else {}
        queues = await read_queues(self.database, self.state.consumers) if self.database else []
        return {**counts, "queues": [*queues, *counts.get("queues", ())]}

    def _spawn_tasks(self) -> None:
        jobs = [
            *(self._chores.jobs() if self._chores else ()),
            *(Job("expire keys", EXPIRE_SECONDS, store.expire) for store in self.key_stores),
        ]
        self.state.tasks = [asyncio.create_task(repeat(job, self.fail), name=job.name) for job in [*jobs, *self.jobs]]
        if self.relay is not None:
            self.state.tasks.append(asyncio.create_task(self.relay.run(), name="relay"))

    def _make_chores(self) -> Chores | None:
        if self.database is None:
            return None
        member = self.settings.instance or f"{self.name}-{os.getpid()}"
        return Chores(self.database, self.state.consumers, self.state.readers, self.limits, member, self._wake, self._stop.is_set)

    def _make_relay(self) -> Relay | None:
        if self.database is None:
            return None
        settings, limits = self.settings, self.limits

        async def producer() -> Any:
            return await make_producer(settings.kafka_bootstrap_servers, limits, f"{self.name}-relay")

        relay = Relay(self.name, self.database, producer, limits)
        # Of eight commits that a registration leads to, five say nothing, and a look for nothing costs as much as a batch's statement.
        self.database.committed_events = relay.wake
        return relay

    def _wake(self) -> None:
        """Let jobs go on at once that wait for what a consumer of this process has committed."""
        for job in self.jobs:
            if job.wake is not None:
                job.wake.set()

    def _wake_relay(self) -> None:
        if self.relay is not None:
            self.relay.wake()

    def _say(self, what: str) -> None:
        self.state.waits_for = what

    async def _shut_down(self, server: _Server, http: asyncio.Task[None]) -> None:
        """Stop taking, finish what is in hand, hand back the rest."""
        if self._cut_off is not None:
            self._cut_off.start()
        server.should_exit = True
        await asyncio.wait({http}, timeout=HTTP_DRAIN_SECONDS)
        await self._stop_consumers()
        relays = [task for task in self.state.tasks if task.get_name() == "relay"]
        for task in self.state.tasks:
            if task not in relays:
                task.cancel()
        await self._drain_relay()
        for task in relays:
            task.cancel()
        await asyncio.gather(*self.state.tasks, return_exceptions=True)
        for hook in self.on_stop:
            await hook()
        for database in [
            *self.databases,
            *(store.database for store in self.key_stores),
            *([self.database] if self.database else []),
        ]:
            await database.close()
        log.info("The service has stopped.", action="stopped")

    async def _stop_consumers(self) -> None:
        if self._broker is None or self._chores is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._chores.note_positions(), NOTE_SECONDS)
        await self._broker.stop()

    async def _drain_relay(self) -> None:
        """Give the relay a moment to empty the outbox, so that a planned stop delays nobody's events."""
        if self.database is None or self.state.waits_for == "start":
            return
        with contextlib.suppress(*TRANSIENT):
            async with asyncio.timeout(RELAY_DRAIN_SECONDS), self.database.connection() as connection:
                while await connection.fetch(SQL["find_ready_buckets"]):
                    self._wake_relay()
                    await asyncio.sleep(self.limits.relay_busy_seconds)
