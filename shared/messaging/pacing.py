"""How long a consumer waits between two batches: as long as makes a batch worth its round trips, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from shared.messaging.limits import Limits
from shared.messaging.records import KafkaRecord
from shared.messaging.routes import Subscription


def time_apart(taken: int, waiting: int, subscription: Subscription, limits: Limits) -> float:
    """Return the time from a batch's start to the next one's, in seconds. Pure.

    `taken`: records of the batch; `waiting`: records that are known to wait behind it. Where a whole batch waits there is none: with pauses,
    a consumer of a backlog takes no more than a batch in each.
    """
    if waiting >= subscription.most_records(limits):
        return 0.0
    share = min(1.0, taken / limits.busy_records) ** 2
    return max(subscription.least_apart(limits), share * limits.busy_seconds)


def count_waiting(client: Any, records: Sequence[KafkaRecord]) -> int:
    """Return how many records waited behind these when their partitions were last fetched. `client` is an `AIOKafkaConsumer`."""
    held = client.assignment()
    nexts = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
    ends = ((client.highwater(tp), at) for tp, at in nexts.items() if tp in held)
    return sum(max(0, end - at) for end, at in ends if end)
