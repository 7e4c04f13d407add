"""What can be seen of a running system from outside: by plain SQL and the log's ends, past every proxy."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.messaging.relay import BUCKET_LOCKS
from shared.storage import AWAY, load_queries

SQL = load_queries("rintis.chaos", "sight.sql")
AWAY_NOW = (*AWAY, KafkaError, TimeoutError, asyncpg.OperatorInterventionError)
"""What is met while a server is away: another look later says more."""
ASK_SECONDS = 5.0
"""Longest wait for one answer."""
LOOK_SECONDS, LONGEST_PAUSE = 0.1, 0.2
"""Between two looks: the unit of what is measured. Where a look takes long, the system under test needs the time itself."""
LOOK_SHARE = 5
"""At most so much of the time, as one part in so many, is spent on looks while they are cheap."""
SETTLE_SECONDS = 1.0
"""What came in within a second after a fault must be handled before the system counts as recovered."""

KAFKA = "kafka"
"""Whose turn it is to ask the broker; the others are the services' own."""

Place = tuple[str, str, int]
"""Consumer, topic, partition."""


@dataclass(slots=True)
class Rest:
    """What a service has still to do of what there was to be done at one moment; a look takes from it what is done."""

    ends: dict[tuple[str, int], int]
    """To where its consumers have to read, by topic and partition; what others read is not waited for."""
    outbox: int
    """The newest event that has to be sent, 0 where none."""
    messages: dict[str, int] = field(default_factory=dict)
    """The newest message that has to be settled, by channel."""


Mark = Mapping[str, Rest]
"""What there was to be done at one moment, by service."""


class Sight:
    """Connections of its own to all databases and to the broker, made anew when they break."""

    def __init__(self, bootstrap: str, databases: Mapping[str, str]) -> None:
        self._bootstrap = bootstrap
        self._urls = databases
        self._connections: dict[str, Any] = {}
        self._turns = {name: asyncio.Lock() for name in (*databases, KAFKA)}
        """Two faults that last at the same time are looked at over the same connections, one question at a time."""
        self._consumer: Any = None
        self._admin: Any = None

    async def close(self) -> None:
        """Let go of every connection."""
        for service in list(self._connections):
            await self._drop(service)
        for client in (self._consumer, self._admin):
            if client is not None:
                with contextlib.suppress(*AWAY_NOW):
                    await asyncio.wait_for(client.stop() if client is self._consumer else client.close(), ASK_SECONDS)

    async def fetch(self, service: str, block: str, *arguments: Any) -> list[Any]:
        """Run one query on a service's database."""
        async with self._turns[service]:
            try:
                if service not in self._connections:
                    self._connections[service] = await asyncpg.connect(self._urls[service], timeout=ASK_SECONDS)
                return list(await self._connections[service].fetch(SQL[block], *arguments, timeout=ASK_SECONDS))
            except AWAY_NOW:
                await self._drop(service)
                raise

    async def value(self, service: str, block: str, *arguments: Any) -> Any:
        """Return the one value of a query."""
        return (await self.fetch(service, block, *arguments))[0][0]

    async def positions(self, *services: str) -> dict[Place, int]:
        """Return how far every consumer has come, as the databases say."""
        found = await asyncio.gather(*(self.fetch(service, "find_positions") for service in services or self._urls))
        return {(row["consumer"], row["topic"], row["partition"]): row["next_offset"] for rows in found for row in rows}

    async def committed(self, reader: str) -> dict[tuple[str, int], int]:
        """Return how far a client has come on each partition, as Kafka was told. `reader` is the name of its group."""
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=int(ASK_SECONDS * 1000))
            await admin.start()
            self._admin = admin
        try:
            found = await asyncio.wait_for(self._admin.list_consumer_group_offsets(reader), ASK_SECONDS)
        except AWAY_NOW:
            admin, self._admin = self._admin, None
            with contextlib.suppress(*AWAY_NOW):
                await admin.close()
            raise
        return {(tp.topic, tp.partition): told.offset for tp, told in found.items()}

    async def ends(self) -> dict[tuple[str, int], int]:
        """Return the end of every partition that some consumer reads."""
        partitions = {TopicPartition(topic, number) for _, topic, number in await self.positions()}
        async with self._turns[KAFKA]:
            client = self._consumer = self._consumer or await self._start_consumer()
            found = await asyncio.wait_for(client.end_offsets(list(partitions)), ASK_SECONDS) if partitions else {}
        return {(tp.topic, tp.partition): end for tp, end in found.items()}

    async def mark(self, channels: tuple[str, ...] = ()) -> Mark:
        """Return what there is to be done now."""
        outboxes = await asyncio.gather(*(self.value(service, "find_outbox_head") for service in self._urls))
        messages = {channel: await self.value("notification", "find_message_head", channel) for channel in channels}
        ends = await self.ends()
        told = {"notification": messages}
        return {
            service: Rest(dict(ends), head, told.get(service, {})) for service, head in zip(self._urls, outboxes, strict=True)
        }

    async def is_done(self, mark: Mark) -> bool:
        """Whether all of that is done: read, sent on, and told where a provider is concerned. What is done is asked for once."""
        return not any(await asyncio.gather(*(self._has_rest(service, rest) for service, rest in mark.items())))

    async def _has_rest(self, service: str, rest: Rest) -> bool:
        if rest.ends or rest.outbox:
            places = list(zip(*rest.ends, strict=True)) or [(), ()]
            rows = await self.fetch(service, "find_rest", rest.outbox, *places, list(rest.ends.values()))
            behind = {(row["topic"], row["partition"]) for row in rows}
            rest.ends = {place: end for place, end in rest.ends.items() if place in behind}
            rest.outbox = rest.outbox if (None, None) in behind else 0
        for channel, head in list(rest.messages.items()):
            if not await self.value(service, "count_messages_until", channel, head):
                del rest.messages[channel]
        return bool(rest.ends or rest.outbox or rest.messages)

    async def recovery(self, ended: float, within: float, channels: tuple[str, ...] = ()) -> float | None:
        """Return how many seconds after `ended` all was done that was there a second after it; None where it never was.

        `ended` is on the monotonic clock.
        """
        await asyncio.sleep(max(0.0, ended + SETTLE_SECONDS - time.monotonic()))
        mark: Mark | None = None
        while (began := time.monotonic()) < ended + within:
            with contextlib.suppress(*AWAY_NOW):
                mark = mark or await self.mark(channels)
                if await self.is_done(mark):
                    return time.monotonic() - ended
            await asyncio.sleep(min(LONGEST_PAUSE, max(LOOK_SECONDS, LOOK_SHARE * (time.monotonic() - began))))
        return None

    async def lease_holders(self, service: str) -> set[int]:
        """Return the ports from which a service's relays come that hold buckets now."""
        return {row["client_port"] for row in await self.fetch(service, "find_lease_holders", BUCKET_LOCKS)}

    async def _start_consumer(self) -> Any:
        client = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, request_timeout_ms=int(ASK_SECONDS * 1000))
        try:
            await client.start()
        except KafkaError:
            await client.stop()
            raise
        return client

    async def _drop(self, service: str) -> None:
        connection = self._connections.pop(service, None)
        if connection is not None:
            connection.terminate()
