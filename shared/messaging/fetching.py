"""Makes a Kafka client fetch when it is asked for records, and never ahead.

The client fetches the next records as soon as some are taken. What it fetches for stays out of the fetch after that until it is taken,
and what comes for those partitions meanwhile waits until that fetch is back. So either every fetch waits shortly, and polling costs a
third of a core in a system in which nothing happens, or records wait for fetches. A fetch that begins when records are wanted asks for
all partitions, ends as soon as anything is there, and brings all that has come since: one fetch a batch.
"""

from __future__ import annotations

from typing import Any


class Fetching:
    """Takes records from one client, which is an `AIOKafkaConsumer` that has started."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._is_wanted = False
        self._fetcher = client._fetcher  # noqa: SLF001 - the client has no public way to say when to fetch
        self._plan = self._fetcher._get_actions_per_node  # noqa: SLF001 - see above
        self._fetcher._get_actions_per_node = self._plan_wanted  # noqa: SLF001 - see above

    async def take(self, *, within_ms: int, at_most: int) -> dict[Any, list[Any]]:
        """Return records by partition, at most so many; none where none came in time. Raises KafkaError."""
        self._is_wanted = True
        # Wakes the client's planning, as taking records does.
        self._fetcher._notify(self._fetcher._wait_consume_future)  # noqa: SLF001 - see above
        try:
            found: dict[Any, list[Any]] = await self.client.getmany(timeout_ms=within_ms, max_records=at_most)
        finally:
            self._is_wanted = False
        return found

    def _plan_wanted(self, assignment: Any) -> tuple[Any, ...]:
        """Plan as the client does, without fetches where nobody waits for records or some are there."""
        fetches, *rest = self._plan(assignment)
        is_due = self._is_wanted and not self._fetcher._records  # noqa: SLF001 - see above
        return (fetches if is_due else [], *rest)
