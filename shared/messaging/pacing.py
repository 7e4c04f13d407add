"""How long a consumer waits between two batches: as long as makes a batch worth its round trips, and no longer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.topics import Topic
from shared.messaging.limits import Limits
from shared.messaging.positions import Partition
from shared.messaging.routes import Subscription


def time_apart(taken: int, waiting: int, subscription: Subscription, limits: Limits) -> float:
    """Return the time from a batch's start to the next one's, in seconds. Pure.

    `taken`: records of the batch, where several consumers share it of the one with most; `waiting`: records that are known to wait
    behind it. Where a whole batch waits there is none: with pauses, a consumer of a backlog takes no more than a batch in each.
    """
    if waiting >= subscription.most_records(limits):
        return 0.0
    share = min(1.0, taken / limits.busy_records) ** 2
    longest = limits.busy_together_seconds if subscription.is_read_together else limits.busy_seconds
    return max(subscription.least_apart(limits), share * longest)


def is_followed(found: Mapping[Any, Sequence[Any]], leading: Topic | None, limits: Limits) -> bool:
    """Return whether others will follow at once on what a fetch brought: a few records of the leading topic and of no other. Pure.

    `found`: records by partition. Where much comes in, the pause between batches brings it together.
    """
    count = sum(map(len, found.values()))
    return leading is not None and 0 < count < limits.busy_records and all(tp.topic == leading.name for tp in found)


def count_waiting(client: Any, reading: Mapping[Partition, int]) -> int:
    """Return how many records are known to wait in partitions that are read now. `client` is an `AIOKafkaConsumer`.

    A topic that was stopped has more and more of them, and taking batches one upon the other does not make it fewer.
    """
    stopped = {(tp.topic, tp.partition) for tp in client.paused()}
    return count_unread(client, {partition: at for partition, at in reading.items() if partition not in stopped})


def count_unread(client: Any, reading: Mapping[Partition, int]) -> int:
    """Return how many records lie between positions and the ends that the broker last told. `client` is an `AIOKafkaConsumer`."""
    ends = ((client.highwater(tp), reading.get((tp.topic, tp.partition))) for tp in client.assignment())
    return sum(max(0, end - at) for end, at in ends if end and at is not None)
