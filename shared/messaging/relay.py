"""The relay: takes events from the outbox to Kafka, in order per key, deleting only what was acknowledged."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.cancelling import Interrupted, is_asked_to_end, only_own_end
from shared.contracts.envelope import Envelope, headers_of
from shared.messaging.connections import abandon
from shared.messaging.limits import Limits
from shared.messaging.tails import source_of
from shared.storage import Database, Tx, load_queries
from shared.telemetry import get_logger, metrics

log = get_logger(__name__)
SQL = load_queries("shared.storage")

BUCKET_LOCKS = 7_210_002
"""First number of the advisory locks that lease buckets."""
PARTITIONS_SECONDS = 3.0
"""How long to ask for a topic's partitions: `send` to a missing topic would hold everything for the request time-out."""
STOP_SECONDS = 5.0
"""How long a discarded producer may take to close."""
PAUSE_SECONDS = 0.5
"""Pause after a failure, doubled each time up to ten times this."""

Row = asyncpg.Record


class Lane:
    """What goes to one partition: batches in order, each with its rows, and the rows that are on their topic."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.batches: list[tuple[Any, list[Row]]] = []
        self.acknowledged: list[Row] = []

    def add(self, row: Row, producer: Any, record: Mapping[str, Any]) -> None:
        """Put a row into the last batch, or into a new one where that is full; an empty batch takes any row."""
        if not self.batches or self.batches[-1][0].append(**record) is None:
            self.batches.append((producer.create_batch(), []))
            self.batches[-1][0].append(**record)
        self.batches[-1][1].append(row)


class Relay:
    """Leases buckets, sends what they hold, deletes it.

    After a failed or late send the producer is replaced: a batch that expired without a leader leaves a gap in its
    sequence numbers, and every later send to that partition would be refused.
    """

    def __init__(self, source: str, database: Database, make_producer: Callable[[], Awaitable[Any]], limits: Limits) -> None:
        self._source = source
        self._database = database
        self._make_producer = make_producer
        self._limits = limits
        self._producer: Any = None
        self._is_broken = False
        self._is_held_elsewhere = False
        self._missing: dict[str, float] = {}
        self._partitions: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._failures = 0

    def wake(self) -> None:
        """Say that a transaction with events was committed; no rows are handed over."""
        self._wake.set()

    async def run(self) -> None:
        """Relay until cancelled."""
        try:
            while not is_asked_to_end():
                try:
                    with only_own_end():
                        await self._with_connection()
                except Exception as error:  # noqa: BLE001 - a relay that ended would hold up every event, and nobody would be told
                    if not is_asked_to_end():
                        await self._pause(error)
        finally:
            await self._discard()

    async def _with_connection(self) -> None:
        async with self._database.connection() as tx:
            try:
                while not is_asked_to_end():
                    if self._producer is None or self._is_broken:
                        await self._renew()
                    self._wake.clear()
                    # Less than a full read was all there was: what has come since then has said so.
                    if await self.relay_once(tx) < self._limits.relay_records:
                        await self._rest()
                    self._failures = 0
            except BaseException:
                # Whatever leases are left end with the connection.
                tx.terminate()
                raise

    async def relay_once(self, tx: Tx) -> int:
        """Send one read of every bucket that can be leased; return how many events were sent and deleted."""
        ready = await tx.fetch(SQL["claim_buckets"], BUCKET_LOCKS)
        leased = [row["bucket"] for row in ready if row["is_leased"]]
        self._is_held_elsewhere = len(leased) < len(ready)
        if not leased:
            return 0
        try:
            return await self._drain(tx, leased)
        finally:
            await tx.execute(SQL["release_buckets"])

    async def _drain(self, tx: Tx, leased: Sequence[int]) -> int:
        missing = [topic for topic, until in self._missing.items() if until > time.monotonic()]
        rows = await tx.fetch(SQL["fetch_outbox"], leased, self._limits.relay_records, missing)
        topics = {topic: await self._is_known(topic) for topic in {row["topic"] for row in rows}}
        rows = [row for row in rows if topics[row["topic"]]]
        if not rows:
            return 0
        done = await self._send(rows)
        if done:
            await tx.execute(SQL["delete_outbox"], [row["bucket"] for row in done], [row["id"] for row in done])
            metrics.RELAY_EVENTS.inc(len(done))
        if self._is_broken:
            raise KafkaError
        return len(done)

    async def _send(self, rows: Sequence[Row]) -> list[Row]:
        """Send rows in order and return those whose acknowledgement came, none behind a failed one of its key.

        In batches made here: a future and a dozen calls per record would cost three times as much as the record.
        """
        lanes: dict[tuple[str, int], Lane] = {}
        for row in rows:
            at = self._lane_of(row)
            if at not in lanes:
                lanes[at] = Lane(*at)
            lanes[at].add(row, self._producer, self._record_of(row))
        deliveries = [asyncio.create_task(self._deliver(lane)) for lane in lanes.values()]
        done, late = await asyncio.wait(deliveries, timeout=self._limits.ack_seconds)
        if late:
            self._note(TimeoutError("no acknowledgement in time"))
            for delivery in late:
                delivery.cancel()
            await asyncio.wait(late)
        for delivery in done:
            delivery.result()
        return [row for lane in lanes.values() for row in lane.acknowledged]

    async def _deliver(self, lane: Lane) -> None:
        """Send a partition's batches one after another, up to the first that fails; too large an event holds up its own key only."""
        stopped: set[str] = set()
        for builder, rows in lane.batches:
            try:
                await (await self._producer.send_batch(builder, lane.topic, partition=lane.partition))
            except MessageSizeTooLargeError as error:
                self._note(error)
                stopped |= {row["key"] for row in rows}
            except KafkaError as error:
                self._note(error)
                return
            else:
                lane.acknowledged += [row for row in rows if row["key"] not in stopped]

    def _lane_of(self, row: Row) -> tuple[str, int]:
        """Return topic and partition: by the key's CRC-32, which librdkafka calls `consistent`."""
        topic = row["topic"]
        return topic, zlib.crc32(row["key"].encode()) % self._partitions[topic]

    def _record_of(self, row: Row) -> dict[str, Any]:
        envelope = Envelope(str(row["event_id"]), source_of(self._source), row["type"], row["time"], row["sequence"], row["key"])
        return {"timestamp": None, "key": row["key"].encode(), "value": row["payload"], "headers": headers_of(envelope)}

    def _note(self, error: BaseException) -> None:
        metrics.RELAY_FAILURES.labels(type(error).__name__).inc()
        if not isinstance(error, MessageSizeTooLargeError):
            self._is_broken = True

    async def _is_known(self, topic: str) -> bool:
        try:
            async with asyncio.timeout(PARTITIONS_SECONDS):
                self._partitions[topic] = len(await self._producer.partitions_for(topic))
        except (TimeoutError, KafkaError):
            self._missing[topic] = time.monotonic() + self._limits.missing_topic_seconds
            log.warning("The broker does not know a topic; its events wait in the outbox.", action="topic_missing", topic=topic)
            return False
        return True

    async def _rest(self) -> None:
        try:
            limits = self._limits
            seconds = limits.relay_busy_seconds if self._is_held_elsewhere else limits.relay_idle_seconds
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    async def _pause(self, error: BaseException) -> None:
        self._failures += 1
        self._is_broken = self._is_broken or isinstance(error, KafkaError)
        log.warning("The relay waits.", action="relay_waits", error=type(error).__name__, failures=self._failures)
        await asyncio.sleep(PAUSE_SECONDS * min(10, 2 ** min(self._failures, 4)) * random.uniform(0.5, 1))  # noqa: S311 - spreads load

    async def _renew(self) -> None:
        await self._discard()
        self._producer = await self._make_producer()
        self._is_broken = False

    async def _discard(self) -> None:
        """Throw the producer away without its flush, which would wait for a broker that is gone."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                with only_own_end():
                    await (abandon(producer) if self._is_broken else producer.stop())
        except (TimeoutError, KafkaError, Interrupted) as error:
            log.info("A producer was thrown away.", action="producer_discarded", error=type(error).__name__)
