"""Several consumers of one service that are read by one client, and settled in one transaction while nothing is out of the ordinary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from shared.messaging.frame import close_batches, open_batches
from shared.messaging.fuse import Blown
from shared.messaging.isolation import apply_whole, prepare_isolated
from shared.messaging.items import Item
from shared.messaging.outcomes import RetryLater
from shared.messaging.pipeline import Pipeline
from shared.messaging.positions import Partition
from shared.messaging.records import KafkaRecord
from shared.messaging.retry import concerns_batch
from shared.messaging.routes import Route
from shared.storage import Tx

Part = tuple[Pipeline, Sequence[KafkaRecord]]
"""One consumer's part of what a fetch brought."""


class Joint:
    """The consumers of one client. Each keeps positions, gates and letters of its own: another process may read them one by one.

    A batch of one consumer is settled as if it were alone, and so are all of them, one after the other, where something of a common
    transaction could not be applied.
    """

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = pipelines
        self.database = pipelines[0].database
        self._by_topic = {pipeline.subscription.topic.name: pipeline for pipeline in pipelines}
        heard = [pipeline.subscription for pipeline in pipelines]
        if len(heard) > 1 and not all(one.takes_runs and not one.topic.is_intake for one in heard):
            raise ValueError("consumers that are read together take runs of our own topics")
        if len({one.apart_seconds for one in heard}) > 1:
            raise ValueError("consumers that are read together have one pace")

    def of(self, topic: str) -> Pipeline:
        """Return the consumer of a topic."""
        return self._by_topic[topic] if len(self.pipelines) > 1 else self.pipelines[0]

    @property
    def reading(self) -> dict[Partition, int]:
        """Where this process reads on, of all consumers."""
        return {partition: at for pipeline in self.pipelines for partition, at in pipeline.positions.reading.items()}

    @property
    def last(self) -> dict[Partition, UUID | None]:
        """The ids of the records before that."""
        return {partition: id_ for pipeline in self.pipelines for partition, id_ in pipeline.positions.last.items()}

    def read_from(self, positions: Mapping[Partition, int]) -> None:
        """Remember where this process reads, and nothing else."""
        for pipeline, held in self._split(positions):
            pipeline.positions.reading = {partition: positions[partition] for partition in held}

    async def start(self, tx: Tx, beginnings: Mapping[Partition, int]) -> dict[Partition, int]:
        """Return where to read on; partitions that are new start at the log's beginning."""
        found: dict[Partition, int] = {}
        for pipeline, held in self._split(beginnings):
            if held:
                found |= await pipeline.positions.start(tx, {partition: beginnings[partition] for partition in held})
        return found

    async def find_void(self, tx: Tx) -> set[tuple[Partition, int]]:
        """Return which of Kafka's notes somebody has declared void: partition and offset."""
        return {note for pipeline in self.pipelines for note in await pipeline.positions.find_void(tx)}

    async def process(self, records: Sequence[KafkaRecord]) -> None:
        """Settle a batch. Raises as `Pipeline.process` does."""
        shares: dict[Pipeline, list[KafkaRecord]] = {pipeline: [] for pipeline in self.pipelines}
        for record in records:
            shares[self.of(record.topic)].append(record)
        parts: list[Part] = [(pipeline, own) for pipeline, own in shares.items() if own]
        if len(parts) > 1:
            try:
                await settle_together(parts)
            except Exception as error:
                if concerns_batch(error) or isinstance(error, Blown):
                    raise
            else:
                return
        for pipeline, own in parts:
            await pipeline.process(own)

    def _split(self, partitions: Iterable[Partition]) -> list[tuple[Pipeline, list[Partition]]]:
        held = list(partitions)
        return [(pipeline, [p for p in held if self.of(p[0]) is pipeline]) for pipeline in self.pipelines]


async def settle_together(parts: Sequence[Part]) -> None:
    """Settle batches of several consumers in one transaction; an error is everybody's, and nothing is written then.

    A route that several consumers share gets all of its records in one set, in the order of the consumers.
    """
    read = [(pipeline, pipeline.examine(records)) for pipeline, records in parts]
    prepared = {id(route): await prepare_isolated(route, items) for route, items in _by_route(read)}
    async with parts[0][0].database.transaction() as tx:
        opened = await open_batches(tx, [(pipeline.positions, items) for pipeline, items in read])
        fresh = [(pipeline, one.fresh) for (pipeline, _), one in zip(read, opened, strict=True)]
        for (pipeline, _), one in zip(read, opened, strict=True):
            pipeline.judge(one)
        for route, items in _by_route(fresh):
            await apply_whole(tx, route, items, prepared.get(id(route)))
            if any(isinstance(item.outcome, RetryLater) for item in items):
                raise TypeError("a consumer takes runs, and made one of them wait")
        closings = [await pipeline.conclude(tx, items, one) for (pipeline, items), one in zip(read, opened, strict=True)]
        await close_batches(tx, closings)
    for (pipeline, _), closing, one in zip(read, closings, opened, strict=True):
        pipeline.moved(closing, one)


def _by_route(parts: Iterable[tuple[Pipeline, Sequence[Item]]]) -> list[tuple[Route, list[Item]]]:
    groups: dict[int, tuple[Route, list[Item]]] = {}
    for pipeline, items in parts:
        for route, group in pipeline.by_route(item for item in items if item.outcome is None):
            groups.setdefault(id(route), (route, []))[1].extend(group)
    return list(groups.values())
