"""What `flush.messages=1` costs on this machine: the same load with and without it, in one run, in turns.

python -m rintis.chaos.flushing [records]
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from aiokafka.admin import NewTopic

from rintis.runtime.archive import kafka_program
from rintis.runtime.kafka import KafkaPlan, KafkaServer
from rintis.runtime.ports import free_port
from rintis.runtime.progress import Steps
from rintis.runtime.state import State
from rintis.runtime.topics import create_topics
from shared.messaging import Limits
from shared.messaging.broker import make_producer

RECORDS = 20_000
ROUNDS = 3
"""Each way in turns, so that what else the machine does meets both."""
BATCH = 500
"""Records sent before their acknowledgements are waited for: what a busy relay has in hand."""
VALUE = b"x" * 1_000
WAYS = {"without": "9223372036854775807", "with": "1"}


async def measure(bootstrap: str, topic: str, records: int) -> float:
    """Return records acknowledged per second."""
    producer = await make_producer(bootstrap, Limits(), "flushing")
    try:
        began = time.monotonic()
        for start in range(0, records, BATCH):
            sent = [await producer.send(topic, VALUE, key=str(number).encode()) for number in range(start, start + BATCH)]
            await asyncio.gather(*sent)
        return records / (time.monotonic() - began)
    finally:
        await producer.stop()


async def compare(bootstrap: str, records: int) -> dict[str, float]:
    """Return the median rate of each way, and their ratio."""
    topics = [NewTopic(way, 12, 1, topic_configs={"flush.messages": messages}) for way, messages in WAYS.items()]
    await create_topics(bootstrap, topics)
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for way in WAYS:
        await measure(bootstrap, way, BATCH)
    for _ in range(ROUNDS):
        for way in WAYS:
            rates[way].append(await measure(bootstrap, way, records))
    median = {way: round(sorted(found)[len(found) // 2], 1) for way, found in rates.items()}
    return median | {"ratio": round(median["without"] / median["with"], 2)}


def main() -> None:
    """Start a node, measure, print as JSON, stop it."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory(prefix="rintis-flush-") as folder:
        state = State(Path(folder))
        with state.hold():
            node = KafkaServer(state, KafkaPlan(kafka_program(Steps()), free_port(), free_port(), {}))
            node.start()
            try:
                sys.stdout.write(json.dumps(asyncio.run(compare(node.bootstrap, records))) + "\n")
            finally:
                node.stop()


if __name__ == "__main__":
    main()
