"""Start order does not matter: a service waits for its servers and says for what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.storage import AWAY, Database
from shared.telemetry import get_logger

log = get_logger(__name__)

PAUSE_SECONDS = 0.5
"""Pause between looks at a server that is not there yet."""
REMINDER_LOOKS = 20
"""Every how many looks the log says again what is waited for: ten seconds."""


async def wait_for_database(database: Database, say: Callable[[str], None]) -> None:
    """Open a database, however long its server takes to come."""
    looks = 0
    while True:
        try:
            await database.open()
        except (*AWAY, TimeoutError) as error:
            _say(say, f"PostgreSQL ({database.name})", looks, error)
        else:
            return
        looks += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def wait_for_topics(bootstrap: str, topics: Collection[str], say: Callable[[str], None]) -> None:
    """Wait until Kafka answers and knows the topics."""
    looks = 0
    while True:
        try:
            missing = sorted(set(topics) - await _topics(bootstrap))
        except (KafkaError, OSError, TimeoutError) as error:
            _say(say, f"Kafka ({bootstrap})", looks, error)
        else:
            if not missing:
                return
            _say(say, f"Kafka topic {missing[0]}", looks, None)
        looks += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def _topics(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()


def _say(say: Callable[[str], None], what: str, looks: int, error: BaseException | None) -> None:
    say(what)
    if looks % REMINDER_LOOKS == 0:
        log.info("Waiting for a server.", action="waiting", what=what, error=type(error).__name__ if error else None)
