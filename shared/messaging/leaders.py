"""Which broker to ask about a partition, for consumers that subscribe to nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition


async def learn_leaders(client: Any, partitions: Iterable[TopicPartition]) -> None:
    """Let a consumer know of partitions that it is to be asked about, with one request. `client` is an `AIOKafkaConsumer`.

    By itself it learns of one topic after the other, and waits a tenth of a second each time: three seconds for all of ours.
    """
    inner = client._client  # noqa: SLF001 - the client's public way of naming topics makes it fetch them
    wanted = {partition.topic for partition in partitions}
    if not wanted <= inner._topics:  # noqa: SLF001 - see above
        await inner.set_topics(inner._topics | wanted)  # noqa: SLF001 - see above
