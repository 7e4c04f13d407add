"""The generator, a process of its own: reads records from a file and publishes as many as it is told, as fast as it is told.

    python -m rintis.bench.generator FILE BOOTSTRAP [CLOCK]

Each line of standard input is an order, `{"count": 1000, "per_second": 0}`; the answer is one line when all of it is
acknowledged. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import uvloop
from aiokafka import AIOKafkaProducer

from rintis.bench.loads import SEPARATOR
from shared.clock import Clock
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import RegistrationSubmitted

CHUNK = 2_000
"""Records read and batched at once."""
CHUNKS_UNDER_WAY = 8
"""Chunks without an acknowledgement: enough that the broker never waits for us."""
BATCH_BYTES = 1 << 20
LINGER_MS = 5
"""How long a producer waits for more records by default since Kafka 4.0 (KIP-1030). With none every record of a paced load is a request."""
AHEAD_SECONDS = 0.1
"""Between an order with a pace and its first record."""


class Record(NamedTuple):
    """One record, ready to be sent but for the time that it states."""

    topic: str
    partition: int
    key: bytes
    event_id: str
    value: bytes


def read(file: BinaryIO) -> Iterator[Record]:
    """Yield the records of a file."""
    for line in file:
        topic, partition, key, event_id, value = line.rstrip(b"\n").split(SEPARATOR)
        yield Record(topic.decode(), int(partition), key, event_id.decode(), value)


class Generator:
    """Publishes records in their order."""

    def __init__(self, records: Iterator[Record], producer: Any, clock: Clock) -> None:
        self._records = records
        self._producer = producer
        self._clock = clock

    async def publish(self, count: int, per_second: float) -> dict[str, float]:
        """Publish so many records and return when it began and ended, and how late the latest was, in seconds."""
        if per_second:
            return await self._publish_paced(count, per_second)
        began, under_way, left = time.time(), [], count
        while left > 0:
            chunk = list(islice(self._records, min(CHUNK, left)))
            left -= CHUNK
            under_way += await self._send(chunk)
            if len(under_way) > CHUNKS_UNDER_WAY * len({(record.topic, record.partition) for record in chunk}):
                await asyncio.gather(*under_way)
                under_way = []
        await asyncio.gather(*under_way)
        return {"began": began, "ended": time.time(), "late": 0.0}

    async def _publish_paced(self, count: int, per_second: float) -> dict[str, float]:
        records = list(islice(self._records, count))
        began, late, sent = time.time() + AHEAD_SECONDS, 0.0, []
        for number, record in enumerate(records):
            due = began + number / per_second
            if (pause := due - time.time()) > 0:
                await asyncio.sleep(pause)
            late = max(late, time.time() - due)
            sent.append(await self._send_one(record))
        await asyncio.gather(*sent)
        return {"began": began, "ended": time.time(), "late": late}

    async def _send_one(self, record: Record) -> Any:
        headers = self._headers(record) if record.event_id else None
        return await self._producer.send(record.topic, record.value, key=record.key, partition=record.partition, headers=headers)

    async def _send(self, chunk: Sequence[Record]) -> list[Any]:
        """Hand a chunk over in ready batches, one a partition: a tenth of the work of single sends."""
        by_partition = defaultdict(list)
        for record in chunk:
            by_partition[record.topic, record.partition].append(record)
        sent = []
        for (topic, partition), records in by_partition.items():
            batch = self._producer.create_batch()
            for record in records:
                if not self._append(batch, record):
                    sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                    batch = self._producer.create_batch()
                    self._append(batch, record)
            sent.append(await self._producer.send_batch(batch, topic, partition=partition))
        return sent

    def _append(self, batch: Any, record: Record) -> bool:
        headers = self._headers(record) if record.event_id else []
        return batch.append(key=record.key, value=record.value, timestamp=None, headers=headers) is not None

    def _headers(self, record: Record) -> list[tuple[str, bytes]]:
        source = f"https://{record.topic.rsplit('.', 1)[-1]}.contoh.go.id"
        return headers_of(Envelope(record.event_id, source, RegistrationSubmitted.TYPE, self._clock.now()))


async def run(path: Path, bootstrap: str, clock: Clock) -> None:
    """Follow orders until there are no more."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, linger_ms=LINGER_MS
    )
    await producer.start()
    loop = asyncio.get_running_loop()
    with path.open("rb") as file:
        generator = Generator(read(file), producer, clock)
        print(json.dumps({"ready": True}), flush=True)  # noqa: T201 - the protocol
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            answer = await generator.publish(**json.loads(line))
            print(json.dumps(answer), flush=True)  # noqa: T201 - the protocol
    await producer.stop()


if __name__ == "__main__":
    uvloop.run(run(Path(sys.argv[1]), sys.argv[2], Clock.parse(sys.argv[3] if len(sys.argv) > 3 else None)))
