from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.protocol.fetch import FetchRequest

from shared.contracts.topics import WORKERS
from shared.messaging.fetching import Fetching
from shared.testing import eventually

TAKE = {"within_ms": 20_000, "at_most": 100}


class Reader:
    """A client on one topic, with the fetches that it has sent."""

    def __init__(self, client: Any, producer: Any) -> None:
        self.client = client
        self.producer = producer
        self.fetches = 0
        self._send = client._client.send
        client._client.send = self._counted

    async def _counted(self, node: int, request: Any, **options: Any) -> Any:
        self.fetches += isinstance(request, FetchRequest)
        return await self._send(node, request, **options)

    async def say(self, *partitions: int) -> None:
        for partition in partitions:
            await self.producer.send_and_wait(WORKERS.name, b"x", partition=partition)

    async def has_nothing_under_way(self) -> bool:
        return not self.client._fetcher._in_flight


@asynccontextmanager
async def reading(bootstrap: str) -> AsyncIterator[Reader]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    client = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False, fetch_max_wait_ms=100
    )
    await asyncio.gather(producer.start(), client.start())
    try:
        client.assign([TopicPartition(WORKERS.name, number) for number in range(3)])
        yield Reader(client, producer)
    finally:
        await asyncio.gather(producer.stop(), client.stop())


async def begun(reader: Reader) -> Fetching:
    """Take the first record, and let what the client has begun before it was asked end."""
    fetching = Fetching(reader.client)
    await reader.say(1)
    assert places(await fetching.take(**TAKE)) == {1: 1}
    await eventually(reader.has_nothing_under_way, within=10, what="the end of every fetch")
    return fetching


def places(found: dict[TopicPartition, list[Any]]) -> dict[int, int]:
    return {tp.partition: len(records) for tp, records in found.items()}


async def test_nothing_is_fetched_while_nobody_asks_and_then_all_partitions_at_once(environment: dict[str, str]) -> None:
    async with reading(environment["KAFKA_BOOTSTRAP_SERVERS"]) as reader:
        fetching = await begun(reader)
        before = reader.fetches

        await reader.say(0, 1, 2)
        # As long as the client would need to look again by itself, many times over.
        with pytest.raises(AssertionError):
            await eventually(lambda: reader.fetches > before, within=1, what="a fetch that nobody asked for")

        assert places(await fetching.take(**TAKE)) == {0: 1, 1: 1, 2: 1}
        assert reader.fetches == before + 1


async def test_who_asks_before_there_is_anything_gets_it_when_it_comes(environment: dict[str, str]) -> None:
    async with reading(environment["KAFKA_BOOTSTRAP_SERVERS"]) as reader:
        fetching = Fetching(reader.client)
        asked = asyncio.create_task(fetching.take(**TAKE))
        await eventually(lambda: reader.fetches > 2, within=20, what="fetches that found nothing")
        await reader.say(2)

        assert places(await asked) == {2: 1}


async def test_more_than_is_asked_for_waits_for_the_next_time_without_a_fetch(environment: dict[str, str]) -> None:
    async with reading(environment["KAFKA_BOOTSTRAP_SERVERS"]) as reader:
        fetching = await begun(reader)
        await reader.say(0, 0, 0)
        first = await fetching.take(within_ms=20_000, at_most=2)
        before = reader.fetches

        assert (places(first), places(await fetching.take(**TAKE)), reader.fetches) == ({0: 2}, {0: 1}, before)
