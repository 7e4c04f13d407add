"""The ends of all topics are read without asking for one topic after the other."""

from __future__ import annotations

from typing import Any

import pytest

from rintis.operations.edges import EDGES
from rintis.operations.log import Log, open_log

pytestmark = pytest.mark.servers

PATTERNS = {edge.group: edge.pattern for edge in EDGES}


async def test_the_ends_of_every_edge_cost_two_questions_for_topics_and_those_of_known_ones_none(
    environment: dict[str, str],
) -> None:
    async with open_log(environment["KAFKA_BOOTSTRAP_SERVERS"]) as log:
        # Topics that were just made are asked about until they are served.
        await ends_of_all(log)
    async with open_log(environment["KAFKA_BOOTSTRAP_SERVERS"]) as log:
        asked = 0
        inner = log._client._client
        ask = inner._metadata_update

        async def noted(*arguments: Any) -> Any:
            nonlocal asked
            asked += 1
            return await ask(*arguments)

        inner._metadata_update = noted
        ends = await ends_of_all(log)
        assert len({topic for topic, _ in ends}) > 10
        assert set(ends.values()) == {0}
        assert asked == 2
        assert await ends_of_all(log) == ends
        assert asked == 3, "only which topics there are is asked again"


async def ends_of_all(log: Log) -> dict[tuple[str, int], int]:
    """Return the ends of all partitions of all edges, as an audit asks for them."""
    return await log.ends([tp for group in (await log.partitions_by(PATTERNS)).values() for tp in group])
