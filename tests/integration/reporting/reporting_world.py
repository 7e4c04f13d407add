"""The service as a process, with what publishes to it, watches it and reads its topics."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from rintis.runtime.processes import Process
from rintis.testing.environment import ServiceStarter
from shared.clock import Clock
from shared.contracts.envelope import Envelope, Event, headers_of
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import wib

FACTOR = 40_000.0
"""A week of business time in fifteen seconds."""
HEAD_START = timedelta(seconds=8)
"""Real time until a fast business clock reads Monday morning: for the start of the process."""
READ_SECONDS = 10.0
"""Longest wait for an event of a topic."""


@dataclass
class World:
    """A running service with what publishes to it, watches it and reads its topics."""

    clock: Clock
    bootstrap: str
    start: ServiceStarter
    process: Process
    token: str
    producer: AIOKafkaProducer
    database: asyncpg.Connection[asyncpg.Record]
    variables: dict[str, str]
    ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        """Return the address of the process."""
        return f"http://127.0.0.1:{self.process.program.port}"

    def crash(self) -> None:
        """Kill the process as a power cut would and start another."""
        self.process.kill()
        self.process = self.start("reporting", self.variables, wait=False)

    async def until(self, local: str) -> None:
        """Wait until the business clock reads this local time."""
        await eventually(lambda: self.clock.now() >= wib(local), within=60, what=f"business time {local}")

    async def publish(self, *events: Event) -> None:
        """Send events as SIINas would, and wait until the broker has them."""
        sent = [await self._send(event) for event in events]
        await asyncio.gather(*sent)

    async def _send(self, event: Event) -> asyncio.Future[Any]:
        headers = headers_of(Envelope(f"id-{next(self.ids)}", "/siinas", event.TYPE, self.clock.now()))
        body = event.model_dump_json().encode()
        sent: asyncio.Future[Any] = await self.producer.send(
            f"{event.TOPIC}.siinas", body, key=event.key().encode(), headers=headers
        )
        return sent

    async def ledger(self) -> dict[tuple[str, str], str]:
        """Return the state of each period of each permit, by number and due day."""
        rows = await self.database.fetch(
            "select number, due_on, e.state from expected_filings e join permits using (permit_id) order by 1, 2"
        )
        return {(row["number"], f"{row['due_on']:%d %b}"): row["state"] for row in rows}

    async def read(self, topic: str, count: int) -> list[tuple[str, dict[str, Any], UUID]]:
        """Return the first events of a topic: kind, data and id. What the relay sent again after a crash is left out."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        found: dict[UUID, tuple[str, dict[str, Any], UUID]] = {}
        await consumer.start()
        try:
            async with asyncio.timeout(READ_SECONDS):
                while len(found) < count:
                    event = _read(await consumer.getone())
                    found.setdefault(event[2], event)
        finally:
            await consumer.stop()
        return list(found.values())


def _read(record: Any) -> tuple[str, dict[str, Any], UUID]:
    headers = dict(record.headers)
    return headers["ce_type"].decode().split(".")[-2], json.loads(record.value), UUID(headers["ce_id"].decode())
