"""What was read of the intake a day ago is taken off its topics: it names people in clear, and nobody needs it there any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

ANSWER_MS = 30_000
"""How long the broker may take for all partitions."""


async def find_handled(client: Any, positions: Mapping[TopicPartition, int], before: datetime) -> dict[TopicPartition, int]:
    """Return up to which offset records are older than an instant, by the broker's clock, and below the positions too.

    Partitions in which nothing is left out.
    """
    if not positions:
        return {}
    young = await client.offsets_for_times(dict.fromkeys(positions, int(before.timestamp() * 1000)))
    bounds = {tp: min(at, young[tp].offset) if young.get(tp) else at for tp, at in positions.items()}
    begins = await client.beginning_offsets(list(bounds))
    return {tp: bound for tp, bound in bounds.items() if bound > begins[tp]}


async def delete_below(bootstrap: str, bounds: Mapping[TopicPartition, int]) -> None:
    """Have the broker delete every record below these offsets. Doing it again changes nothing. Raises KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=ANSWER_MS)
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(bound) for tp, bound in bounds.items()}, timeout_ms=ANSWER_MS)
    finally:
        await admin.close()
