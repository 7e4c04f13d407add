"""Start order does not matter: a service waits for its servers and says for what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.cancelling import Interrupted, is_asked_to_end, only_own_end
from shared.storage import AWAY
from shared.telemetry import get_logger

log = get_logger(__name__)

PAUSE_SECONDS = 0.5
"""Pause between looks at a server that is not there yet."""
REMINDER_LOOKS = 20
"""Every how many looks the log says again what is waited for: ten seconds."""


AWAY_NOW = (*AWAY, TimeoutError, KafkaError, Interrupted)
"""What a server says, or does not say, that is not there yet or is there no more."""


class TopicMissing(KafkaError):  # type: ignore[misc]  # aiokafka ships no types
    """The broker does not know a topic yet."""


async def until_there(what: str, act: Callable[[], Awaitable[object]], say: Callable[[str], None]) -> None:
    """Do something that needs a server, again and again until the server is there; `what` is said meanwhile."""
    looks = 0
    while True:
        try:
            with only_own_end():
                await act()
        except AWAY_NOW as error:
            if is_asked_to_end():
                raise
            say(f"{what}: {error}" if isinstance(error, TopicMissing) else what)
            if looks % REMINDER_LOOKS == 0:
                log.info("Waiting for a server.", action="waiting", what=what, error=type(error).__name__)
        else:
            return
        looks += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def find_topics(bootstrap: str, topics: Collection[str]) -> None:
    """Return when Kafka answers and knows the topics. Raises TopicMissing naming the first that it does not know."""
    if missing := sorted(set(topics) - await _topics(bootstrap)):
        raise TopicMissing(missing[0])


async def _topics(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()
