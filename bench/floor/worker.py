"""One process of the floor: poll, one transaction, produce, wait for the acknowledgements, commit offsets."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from asyncpg.pgproto.pgproto import UUID

from bench.floor.steps import STEPS, Batch, connect

RECORDS = 500
"""Records per poll."""
POLL_MILLISECONDS = 200
FETCH_WAIT_MILLISECONDS = 100
"""How long the broker may wait for something to come."""
FETCH_BYTES = 4 << 20
BATCH_BYTES = 1 << 20
"""Largest batch that is produced, Kafka's bound for one."""


def main(name: str) -> None:
    """Run one step until told to stop."""
    uvloop.run(_run(name))


async def _run(name: str) -> None:
    step, connection = STEPS[name](), await connect(os.environ["FLOOR_DATABASE"])
    bootstrap = os.environ["FLOOR_KAFKA"]
    await step.open(connection)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES)
    consumer = AIOKafkaConsumer(
        step.hears,
        bootstrap_servers=bootstrap,
        group_id=f"floor-{name}",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=FETCH_WAIT_MILLISECONDS,
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await producer.start()
    await consumer.start()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    while not stopping.is_set():
        found = await consumer.getmany(timeout_ms=POLL_MILLISECONDS, max_records=RECORDS)
        if not found:
            continue
        batch = [(UUID(record.key.decode()), record.value) for records in found.values() for record in records]
        async with connection.transaction():
            events = await step.work(connection, batch)
        if step.says and events:
            await _produce(producer, step.says, events)
        await consumer.commit()
    await consumer.stop()
    await producer.stop()
    await connection.close()


async def _produce(producer: Any, topic: str, events: Batch) -> None:
    """Hand events over in as few batches as they fit into, and return once all are acknowledged."""
    sent, batch = [], producer.create_batch()
    for id_, value in events:
        key = str(id_).encode()
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=0))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=0))
    await asyncio.gather(*sent)
