"""A FastStream batch subscriber whose positions are ours."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, UnsupportedCodecError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.cancelling import Interrupted, only_own_end
from shared.contracts.topics import FOLLOWED
from shared.errors import Fatal
from shared.messaging.consumer import Consumer
from shared.messaging.continuity import Log, check_database, check_log, check_record, find_compacted, read_records
from shared.messaging.fetching import Fetching
from shared.messaging.fuse import Blown
from shared.messaging.joint import Joint
from shared.messaging.limits import Limits
from shared.messaging.pacing import count_waiting, is_followed, time_apart
from shared.messaging.positions import Partition
from shared.messaging.records import KafkaRecord
from shared.messaging.tolerance import keep_records, tolerant_parser
from shared.messaging.trimming import delete_below, find_handled
from shared.storage import TRANSIENT
from shared.telemetry import get_logger, metrics

log = get_logger(__name__)

FETCH_RETRY_SECONDS = 0.5
"""Pause after a fetch that failed: nobody's records wait longer than they must once a broker is back."""
NOTE_SECONDS = 1.0
"""How often Kafka is told of a position: lag tools look less often, and a note costs the broker as much as a batch."""
PLACE_SECONDS = 60.0
"""How long a batch waits for its positions before it is dropped, to be read again from where the assignment will say: far below
`max_poll_interval_ms`, after which the client does not let a consumer back into its group that has not asked for more."""
ASSIGN_RETRY_SECONDS = 0.5
"""Pause between tries to read positions while a server is away during an assignment."""


class Reader(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Reads for one consumer or for several. On assignment it seeks to the database's positions, whatever Kafka has committed.

    Kafka is told of a position once the database has committed it: for lag tools, and as a witness against a database
    that was restored. `fail` is told of what no retry can mend.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        consumers: Sequence[Consumer],
        *,
        bootstrap: str,
        limits: Limits,
        instance: str | None,
        fail: Callable[[Fatal], None],
        committed: Callable[[], None],
    ) -> None:
        self.consumers = consumers
        self.joint = Joint([consumer.pipeline for consumer in consumers])
        # In what is asked of it here all are alike: the joint sees to it.
        self._subscription = consumers[0].pipeline.subscription
        self.group = self._subscription.reader
        self._leading = FOLLOWED.get(self.group)
        self._bootstrap = bootstrap
        self._limits = limits
        # As much as each would take by itself: with less, what they take in a pause is less than what comes in it.
        self._most_records = self._subscription.most_records(limits) * len(consumers)
        self._fail = fail
        self._committed = committed
        self._busy = asyncio.Lock()
        self._placed = asyncio.Event()
        self._gaps: dict[Partition, int] = {}
        self._noted: dict[Partition, int] = {}
        self._connections: frozenset[Any] = frozenset()
        self._fetching: Fetching | None = None
        self.subscriber = self._subscribe(broker, instance)
        self.subscriber.get_msg = self._fetch
        self.subscriber(self._on_batch)
        for consumer in consumers:
            consumer.reader = self

    def _subscribe(self, broker: KafkaBroker, instance: str | None) -> Any:
        topic, limits = self._subscription.topic, self._limits
        options: dict[str, Any] = {"pattern": topic.pattern} if topic.is_intake else {}
        return broker.subscriber(
            *([] if topic.is_intake else [pipeline.subscription.topic.name for pipeline in self.joint.pipelines]),
            **options,
            group_id=self.group,
            group_instance_id=instance and f"{self.group}.{instance}",
            batch=True,
            max_records=self._most_records,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            isolation_level="read_committed",
            listener=self,
            parser=self._parse,
            decoder=keep_records,
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            rebalance_timeout_ms=limits.rebalance_timeout_ms,
            max_poll_interval_ms=limits.max_poll_interval_ms,
            fetch_max_wait_ms=limits.fetch_wait_ms,
            fetch_max_bytes=limits.fetch_bytes,
            max_partition_fetch_bytes=limits.partition_fetch_bytes,
        )

    async def _fetch(self, client: Any) -> tuple[Any, ...]:
        """Wait for records, and shortly for what they lead to; in place of the framework."""
        limits = self._limits
        found = await self._take(client, limits.poll_ms, self._most_records)
        if is_followed(found, self._leading, limits):
            room = self._most_records - sum(map(len, found.values()))
            for partition, records in (await self._take(client, limits.follow_ms, room)).items():
                found[partition] = [*found.get(partition, []), *records]
        return tuple(chain.from_iterable(found.values()))

    async def _take(self, client: Any, within_ms: int, at_most: int) -> dict[Any, list[Any]]:
        """Return records by partition; the framework sleeps after an empty poll, and for five seconds after an error."""
        try:
            if self._fetching is None or self._fetching.client is not client:
                self._fetching = Fetching(client)
            with only_own_end():
                return await self._fetching.take(within_ms=within_ms, at_most=at_most)
        except UnsupportedCodecError:
            raise
        except (KafkaError, Interrupted) as error:
            log.warning("Records cannot be fetched yet.", action="fetch_waits", consumer=self.group, error=type(error).__name__)
            await asyncio.sleep(FETCH_RETRY_SECONDS)
            return {}

    async def on_partitions_revoked(self, revoked: Sequence[Any]) -> None:
        """Let the batch in hand finish before the group is joined again."""
        if not revoked:
            return
        try:
            async with asyncio.timeout(self._limits.drain_seconds), self._busy:
                pass
        except TimeoutError:
            log.warning("A batch was not done before its partitions went.", action="drain_late", consumer=self.group)
        self._placed.clear()

    async def on_partitions_assigned(self, assigned: Sequence[Any]) -> None:
        """Read on where the database says."""
        while True:
            try:
                with only_own_end():
                    await self._seek(assigned)
                self._placed.set()
            except Fatal as error:
                self.joint.read_from({})
                self._placed.set()
                self._fail(error)
            except (*TRANSIENT, KafkaError, Interrupted) as error:
                log.warning(
                    "Positions cannot be read yet.", action="assignment_waits", consumer=self.group, error=type(error).__name__
                )
                await asyncio.sleep(ASSIGN_RETRY_SECONDS)
                continue
            return

    async def _seek(self, assigned: Sequence[Any]) -> None:
        joint, client = self.joint, self.subscriber.consumer
        self._gaps.clear()
        if not assigned:
            joint.read_from({})
            return
        beginnings = {(tp.topic, tp.partition): offset for tp, offset in (await client.beginning_offsets(list(assigned))).items()}
        self._connections = self._connected()
        # Kafka's notes first, the database next, the ends last: each may have grown by the time the next is read.
        committed = {tp: await client.committed(TopicPartition(*tp)) for tp in beginnings}
        async with joint.database.transaction() as tx:
            start = await joint.start(tx, beginnings)
            void = await joint.find_void(tx)
        ends = {(tp.topic, tp.partition): offset for tp, offset in (await client.end_offsets(list(assigned))).items()}
        for partition, offset in start.items():
            if (partition, committed[partition]) not in void:
                check_database(self._consumer_of(partition[0]).group, partition, offset, committed[partition])
            check_log(self._consumer_of(partition[0]).group, partition, offset, Log(beginnings[partition], ends[partition]))
        await self._verify_records(start, beginnings)
        for partition, offset in start.items():
            client.seek(TopicPartition(*partition), offset)
        joint.read_from(start)
        for consumer in self.consumers:
            for topic in consumer.stops:
                client.pause(*self._held(topic))

    def _consumer_of(self, topic: str) -> Consumer:
        """Return the consumer that a topic is read for."""
        return next(consumer for consumer in self.consumers if consumer.pipeline is self.joint.of(topic))

    async def _verify_records(self, positions: Mapping[Partition, int], beginnings: Mapping[Partition, int]) -> None:
        """Compare the record before each position with the one that was handled last.

        A tail that was cut off and has grown again looks whole by its numbers alone.
        """
        last = self.joint.last
        wanted = {p: at - 1 for p, at in positions.items() if last.get(p) is not None and at > beginnings[p]}
        found = await read_records(self._bootstrap, wanted)
        gone = {partition for partition in wanted if partition not in found}
        compacted = await find_compacted(self._bootstrap, sorted({topic for topic, _ in gone}))
        for partition in wanted:
            expected = last[partition]
            if expected is not None and partition[0] not in compacted:
                ids = self.joint.of(partition[0]).ids_of(found[partition]) if partition in found else frozenset()
                check_record(self._consumer_of(partition[0]).group, partition, positions[partition], expected=expected, found=ids)

    async def _verify_connection(self, records: Sequence[KafkaRecord]) -> None:
        """Look again where the broker was away since the last batch: meanwhile its log may have lost its tail."""
        connections = self._connected()
        if not connections <= self._connections:
            reading = self.joint.reading
            held = [TopicPartition(*partition) for partition in {(r.topic, r.partition) for r in records}]
            offsets = await self.subscriber.consumer.beginning_offsets(held)
            beginnings = {(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
            await self._verify_records({partition: reading[partition] for partition in beginnings}, beginnings)
        self._connections = connections

    def _connected(self) -> frozenset[Any]:
        return frozenset(self.subscriber.consumer._client._conns.values())  # noqa: SLF001 - nothing public tells of it

    async def _parse(self, records: Sequence[Any], original: Callable[[Any], Awaitable[Any]]) -> Any:
        message = await tolerant_parser(records, original)
        message.consumer = _Unnoted(self.subscriber.consumer)
        return message

    async def _on_batch(self, records: Any) -> None:  # the framework builds a validator of every annotation it can read
        # The client fetches while positions are still being set: nothing of that may be taken for what comes next.
        try:
            async with asyncio.timeout(PLACE_SECONDS):
                await self._placed.wait()
        except TimeoutError:
            return
        began = time.monotonic()
        async with self._busy:
            records = self._in_place(records)
            if not records:
                return
            try:
                with only_own_end():
                    await self._process(records)
            except Blown as blown:
                self._consumer_of(blown.topic).stop(blown)
                self._rewind(records)
                return
            except Fatal as error:
                self._fail(error)
                raise
            except Exception as error:
                metrics.CONSUMER_FAILURES.labels(self.group, type(error).__name__).inc()
                log.warning("A batch will be read again.", action="batch_again", consumer=self.group, error=type(error).__name__)
                raise
        self._committed()
        waiting = count_waiting(self.subscriber.consumer, self.joint.reading)
        taken = max(Counter(self.joint.of(record.topic) for record in records).values())
        apart = time_apart(taken, waiting, self._subscription, self._limits)
        await asyncio.sleep(began + apart - time.monotonic())

    async def _process(self, records: Sequence[KafkaRecord]) -> None:
        await self._verify_order(records)
        await self._verify_connection(records)
        with metrics.CONSUMER_BATCH_SECONDS.labels(self.group).time():
            async with asyncio.timeout(self._limits.batch_seconds):
                await self.joint.process(records)

    async def note(self) -> None:
        """Tell Kafka how far the database has come, where that has changed; the client would note what it has fetched."""
        client, reading = self.subscriber.consumer, self.joint.reading
        if client is None or reading == self._noted:
            return
        notes = {tp: reading[tp.topic, tp.partition] for tp in client.assignment() if (tp.topic, tp.partition) in reading}
        if notes:
            try:
                await client.commit(notes)
            except KafkaError:
                # The group is being joined, or the broker is away: the next note says it all.
                return
        self._noted = reading

    async def trim(self) -> None:
        """Have what was handled long enough ago deleted from the intake's topics, as far as this process reads them."""
        client, reading = self.subscriber.consumer, self.joint.reading
        if client is None or not self._subscription.topic.is_intake:
            return
        positions = {tp: reading[tp.topic, tp.partition] for tp in client.assignment() if (tp.topic, tp.partition) in reading}
        before = datetime.now(UTC) - timedelta(hours=self._limits.intake_hours)
        if bounds := await find_handled(client, positions, before):
            await delete_below(self._bootstrap, bounds)
            log.info("Handled records were deleted.", action="intake_trimmed", consumer=self.group, partitions=len(bounds))

    def pause(self, topic: str) -> None:
        """Read a topic no further, whatever else is read."""
        if held := self._held(topic):
            self.subscriber.consumer.pause(*held)

    def resume(self, topic: str) -> None:
        """Read a topic on from where it stopped."""
        if held := self._held(topic):
            self.subscriber.consumer.resume(*held)

    def _held(self, topic: str) -> list[TopicPartition]:
        client = self.subscriber.consumer
        return [] if client is None else [tp for tp in client.assignment() if tp.topic == topic]

    def _rewind(self, records: Sequence[KafkaRecord]) -> None:
        """Fetch a batch that was rolled back again: of the topics that have not stopped now, of the others later."""
        reading, held = self.joint.reading, self.subscriber.consumer.assignment()
        for partition in {(record.topic, record.partition) for record in records} & reading.keys():
            if TopicPartition(*partition) in held:
                self.subscriber.consumer.seek(TopicPartition(*partition), reading[partition])

    def _in_place(self, records: Sequence[KafkaRecord]) -> list[KafkaRecord]:
        """Return the records that follow on what was read; the others are fetched again from there.

        Markers and deletions leave holes: where the same hole comes again after going back, it is one.
        """
        reading = self.joint.reading
        firsts: dict[Partition, int] = {}
        for record in records:
            firsts.setdefault((record.topic, record.partition), record.offset)
        gone = {partition for partition in firsts if partition not in reading}
        ahead = {p: first for p, first in firsts.items() if p not in gone and first > reading[p] and self._gaps.get(p) != first}
        for partition in ahead:
            self.subscriber.consumer.seek(TopicPartition(*partition), reading[partition])
        self._gaps |= ahead
        return [r for r in records if (r.topic, r.partition) not in gone and (r.topic, r.partition) not in ahead]

    async def _verify_order(self, records: Sequence[KafkaRecord]) -> None:
        """Notice a log that lost its tail: the client then starts over in silence, below where we read."""
        reading = self.joint.reading
        back = {(r.topic, r.partition) for r in records if r.offset < reading.get((r.topic, r.partition), 0)}
        if not back:
            return
        ends = await self.subscriber.consumer.end_offsets([TopicPartition(*partition) for partition in back])
        for tp, end in ends.items():
            check_log(self._consumer_of(tp.topic).group, (tp.topic, tp.partition), reading[tp.topic, tp.partition], Log(0, end))


class _Unnoted:
    """What the framework acknowledges by: nothing is noted with each batch, and what failed is read again."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def commit(self) -> None:
        """Leave it to `Reader.note`."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from another place."""
        self._client.seek(partition, offset)
