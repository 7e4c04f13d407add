import asyncio
import re
from collections import defaultdict
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaConsumer

from rintis.testing.kafka import KafkaForTests
from shared.contracts.envelope import derive_id
from shared.contracts.topics import WORKERS
from shared.messaging import Limits, Relay
from shared.messaging.broker import make_producer
from shared.messaging.connections import abandon
from shared.storage import Database, Outbox, Outgoing, load_queries
from shared.testing import eventually
from tests.integration.messaging.messaging_stage import NOON, a_worker

Sequences = dict[str, list[int]]


class Office:
    """A service's outbox with writers and relays."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.bootstrap = environment["KAFKA_BOOTSTRAP_SERVERS"]
        self.database = Database(environment["DATABASE_URL_REGISTRATION"], name="test", size=12)
        self.outbox = Outbox("registration")
        self.limits = Limits(ack_seconds=5.0)

    def relay(self) -> Relay:
        async def producer() -> object:
            return await make_producer(self.bootstrap, self.limits, "test-relay")

        return Relay("registration", self.database, producer, self.limits)

    async def write(self, key: UUID, events: int) -> None:
        for number in range(events):
            async with self.database.transaction() as tx:
                await self.outbox.add(tx, [Outgoing(a_worker(str(key)), derive_id(key, "cause", number), NOON)])

    async def is_empty(self) -> bool:
        async with self.database.connection() as connection:
            return bool(await connection.fetchval("select not exists (select from outbox)"))

    async def sequences(self, wanted: int) -> Sequences:
        """Return the sequence numbers on the topic per key, in the order of the log, once `wanted` different events are there."""
        client = AIOKafkaConsumer(
            WORKERS.name, bootstrap_servers=self.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await client.start()
        met: Sequences = defaultdict(list)
        try:
            async with asyncio.timeout(60):
                while sum(len(set(numbers)) for numbers in met.values()) < wanted:
                    for records in (await client.getmany(timeout_ms=200)).values():
                        for record in records:
                            met[record.key.decode()].append(int(dict(record.headers)["ce_sequence"]))
        finally:
            await client.stop()
        return met


@pytest.fixture
def office(environment: dict[str, str]) -> Office:
    return Office(environment)


async def test_two_relays_and_many_writers_keep_each_key_in_order_without_gaps(office: Office) -> None:
    await office.database.open()
    keys = [uuid4() for _ in range(20)]
    relays = [asyncio.create_task(office.relay().run()) for _ in range(2)]
    await asyncio.gather(*(office.write(key, 20) for key in keys for _ in range(2)))
    await eventually(office.is_empty, within=60, what="the outbox being empty")
    met = await office.sequences(20 * 40)
    for relay in relays:
        relay.cancel()
    await asyncio.gather(*relays, return_exceptions=True)
    await office.database.close()

    assert {key: sorted(set(numbers)) for key, numbers in met.items()} == {str(key): list(range(1, 41)) for key in keys}
    assert all(numbers == sorted(numbers) for numbers in met.values())


async def test_a_broker_that_goes_and_comes_back_loses_nothing_and_keeps_the_order(office: Office, kafka: KafkaForTests) -> None:
    await office.database.open()
    keys = [uuid4() for _ in range(10)]
    relay = asyncio.create_task(office.relay().run())
    await asyncio.gather(*(office.write(key, 5) for key in keys))
    await asyncio.to_thread(kafka.down)
    await asyncio.gather(*(office.write(key, 5) for key in keys))
    await asyncio.to_thread(kafka.up)
    await asyncio.gather(*(office.write(key, 5) for key in keys))
    await eventually(office.is_empty, within=120, what="the outbox being empty")
    met = await office.sequences(10 * 15)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await office.database.close()

    for numbers in met.values():
        first_met = list(dict.fromkeys(numbers))
        assert first_met == list(range(1, 16))


async def test_a_producer_whose_broker_is_gone_is_thrown_away_whole(office: Office, kafka: KafkaForTests) -> None:
    before = asyncio.all_tasks()
    producer = await make_producer(office.bootstrap, office.limits, "test-abandoned")
    partition = min(await producer.partitions_for(WORKERS.name))
    kafka.kill()
    batch = producer.create_batch()
    batch.append(timestamp=None, key=b"k", value=b"v", headers=[])
    unanswered = await producer.send_batch(batch, WORKERS.name, partition=partition)

    async with asyncio.timeout(15):
        await abandon(producer)

    def is_nothing_left() -> bool:
        return asyncio.all_tasks() <= before

    await eventually(is_nothing_left, what="no task of the producer being left")
    assert not unanswered.done() or unanswered.exception()
    kafka.up()


async def test_events_of_a_topic_that_is_missing_wait_and_hold_nothing_else_up(office: Office) -> None:
    await office.database.open()
    key = uuid4()
    await office.write(key, 3)
    async with office.database.transaction() as tx:
        await tx.execute("update outbox set topic = 'registration.nowhere' where sequence = 1")
    relay = asyncio.create_task(office.relay().run())

    async def left() -> bool:
        async with office.database.connection() as connection:
            return [row["topic"] for row in await connection.fetch("select topic from outbox")] == ["registration.nowhere"]

    assert await eventually(left, within=60, what="everything else being sent")
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await office.database.close()


ROWS = 50_000
MOST_BYTES = 96 << 20
"""For the relay's two reads of 2,000 events in hand, their copies in the producer, and the client itself; all rows would be more."""


def forget_highest() -> None:
    """Let the kernel begin its highest mark anew, so that what is read afterwards is the relay's."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")


def highest_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) * 1024


async def test_many_rows_of_a_long_outage_leave_in_order_and_in_bounded_memory(office: Office, kafka: KafkaForTests) -> None:
    await office.database.open()
    keys = [str(uuid4()) for _ in range(500)]
    await asyncio.to_thread(kafka.down)
    async with office.database.transaction() as tx:
        for start in range(0, ROWS, 10_000):
            batch = [
                Outgoing(a_worker(keys[n % len(keys)]), derive_id(str(n), "cause", at=NOON), NOON)
                for n in range(start, start + 10_000)
            ]
            await office.outbox.add(tx, batch)
    relay = asyncio.create_task(office.relay().run())
    await asyncio.to_thread(kafka.up)
    forget_highest()
    before = highest_bytes()
    await eventually(office.is_empty, within=180, what="the outbox being empty")
    grown = highest_bytes() - before
    met = await office.sequences(ROWS)
    relay.cancel()
    await asyncio.gather(relay, return_exceptions=True)
    await office.database.close()

    assert {key: list(dict.fromkeys(numbers)) for key, numbers in met.items()} == {key: list(range(1, 101)) for key in keys}
    assert grown < MOST_BYTES


async def test_nobody_waits_for_the_disk_for_a_deletion_that_a_crash_may_undo(office: Office) -> None:
    sql = load_queries("shared.storage")
    await office.database.open()
    await office.write(uuid4(), 1)
    async with office.database.transaction() as tx:
        [row] = await tx.fetch("select bucket, id from outbox")
        await tx.execute(sql["delete_outbox"], [row["bucket"]], [row["id"]])
        assert await tx.fetchval("show synchronous_commit") == "off"
    assert await office.is_empty()
    async with office.database.connection() as connection:
        assert await connection.fetchval("show synchronous_commit") == "on"
    await office.database.close()
