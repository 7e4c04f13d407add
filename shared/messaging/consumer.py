"""A FastStream batch subscriber whose position is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.errors import Fatal, PositionLost
from shared.messaging.limits import Limits
from shared.messaging.pipeline import Pipeline
from shared.messaging.positions import Moved, Partition
from shared.messaging.records import KafkaRecord
from shared.messaging.tolerance import keep_records, tolerant_parser
from shared.storage import TRANSIENT, Database
from shared.telemetry import get_logger, metrics

log = get_logger(__name__)

ASSIGN_RETRY_SECONDS = 0.5
"""Pause between tries to read positions while a server is away during an assignment."""


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Reads one subscription. On assignment it seeks to the database's position, whatever Kafka has committed.

    Kafka's own commits are made by the acknowledgement policy, for lag tools only.
    `fail` is told of what no retry can mend.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        pipeline: Pipeline,
        database: Database,
        *,
        limits: Limits,
        instance: str | None,
        fail: Callable[[Fatal], None],
        committed: Callable[[], None],
    ) -> None:
        self.pipeline = pipeline
        self.group = pipeline.subscription.group
        self._database = database
        self._limits = limits
        self._fail = fail
        self._committed = committed
        self._busy = asyncio.Lock()
        self._placed = asyncio.Event()
        self._gaps: dict[Partition, int] = {}
        self.subscriber = self._subscribe(broker, instance)
        self.subscriber(self._on_batch)

    def _subscribe(self, broker: KafkaBroker, instance: str | None) -> Any:
        topic, limits = self.pipeline.subscription.topic, self._limits
        options: dict[str, Any] = {"pattern": topic.pattern} if topic.is_intake else {}
        return broker.subscriber(
            *([] if topic.is_intake else [topic.name]),
            **options,
            group_id=self.group,
            group_instance_id=instance and f"{self.group}.{instance}",
            batch=True,
            max_records=limits.batch_records,
            batch_timeout_ms=limits.batch_wait_ms,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            isolation_level="read_committed",
            listener=self,
            parser=tolerant_parser,
            decoder=keep_records,
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=limits.heartbeat_ms,
            rebalance_timeout_ms=limits.rebalance_timeout_ms,
            max_poll_interval_ms=limits.max_poll_interval_ms,
            fetch_max_wait_ms=limits.fetch_wait_ms,
            max_partition_fetch_bytes=limits.partition_fetch_bytes,
        )

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
                await self._seek(assigned)
                self._placed.set()
            except PositionLost as error:
                self.pipeline.positions.reading = {}
                self._placed.set()
                self._fail(error)
            except (*TRANSIENT, KafkaError) as error:
                log.warning(
                    "Positions cannot be read yet.", action="assignment_waits", consumer=self.group, error=type(error).__name__
                )
                await asyncio.sleep(ASSIGN_RETRY_SECONDS)
                continue
            return

    async def _seek(self, assigned: Sequence[Any]) -> None:
        self._gaps.clear()
        if not assigned:
            self.pipeline.positions.reading = {}
            return
        client = self.subscriber.consumer
        beginnings = {(tp.topic, tp.partition): offset for tp, offset in (await client.beginning_offsets(list(assigned))).items()}
        ends = {(tp.topic, tp.partition): offset for tp, offset in (await client.end_offsets(list(assigned))).items()}
        async with self._database.transaction() as tx:
            positions = await self.pipeline.positions.start(tx, beginnings)
        for partition, offset in positions.items():
            check_log(self.group, partition, offset, beginnings[partition], ends[partition])
            client.seek(TopicPartition(*partition), offset)
        self.pipeline.positions.reading = dict(positions)

    async def _on_batch(self, records: Any) -> None:  # the framework builds a validator of every annotation it can read
        # The client fetches while positions are still being set: nothing of that may be taken for what comes next.
        await self._placed.wait()
        async with self._busy:
            records = self._in_place(records)
            if not records:
                return
            try:
                await self._verify_order(records)
                with metrics.CONSUMER_BATCH_SECONDS.labels(self.group).time():
                    async with asyncio.timeout(self._limits.batch_seconds):
                        await self.pipeline.process(records)
            except Moved as moved:
                self._go_back(moved)
            except Fatal as error:
                self._fail(error)
                raise
            except Exception as error:
                metrics.CONSUMER_FAILURES.labels(self.group, type(error).__name__).inc()
                log.warning("A batch will be read again.", action="batch_again", consumer=self.group, error=type(error).__name__)
                raise
        self._committed()

    def _in_place(self, records: Sequence[KafkaRecord]) -> list[KafkaRecord]:
        """Return the records that follow on what was read; the others are fetched again from there.

        Markers and deletions leave holes: where the same hole comes again after going back, it is one.
        """
        reading = self.pipeline.positions.reading
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
        reading = self.pipeline.positions.reading
        back = {(r.topic, r.partition) for r in records if r.offset < reading.get((r.topic, r.partition), 0)}
        if not back:
            return
        ends = await self.subscriber.consumer.end_offsets([TopicPartition(*partition) for partition in back])
        for tp, end in ends.items():
            check_log(self.group, (tp.topic, tp.partition), reading[tp.topic, tp.partition], 0, end)

    def _go_back(self, moved: Moved) -> None:
        metrics.POSITION_MOVES.labels(self.group).inc()
        log.warning(
            "The database is behind what was read; reading again from there.", action="position_moved", consumer=self.group
        )
        for partition, offset in moved.to.items():
            self.subscriber.consumer.seek(TopicPartition(*partition), offset)
            self.pipeline.positions.reading[partition] = offset


def check_log(group: str, partition: tuple[str, int], position: int, beginning: int, end: int) -> None:
    """Raise PositionLost where the log does not hold the position that the database names."""
    if position > end:
        raise PositionLost(f"{group} has read {partition} up to {position}, but the log ends at {end}: its tail was lost")
    if position < beginning:
        raise PositionLost(
            f"{group} has read {partition} up to {position}, but the log begins at {beginning}: records were deleted unread"
        )
