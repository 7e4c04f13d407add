"""A Kafka node that tests may stop, kill and pause."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from aiokafka.admin import NewTopic

from rintis.runtime.apart import run_apart
from rintis.runtime.archive import kafka_program
from rintis.runtime.kafka import Door, KafkaPlan, KafkaServer
from rintis.runtime.ports import free_port
from rintis.runtime.progress import Steps
from rintis.runtime.state import State
from rintis.runtime.topics import admin, create_topics, delete_topics, existing_topics, own_topics, topics_wanted

PUBLISHERS = ("kemnaker", "siinas", "oss", "dinas")
"""Whose intake topics each test finds."""
MOST_PARTITIONS = 4
"""Enough to share between processes, few enough to be made again for each test."""
FOR_TESTS = {
    # A killed broker may come back at once instead of after its nine-second session.
    "broker.session.timeout.ms": "2500",
    "broker.heartbeat.interval.ms": "500",
    # Files of deleted topics go at once instead of after a minute.
    "log.segment.delete.delay.ms": "100",
}
SETTLE_SECONDS = 30.0
"""For a broker to follow its controller; a tenth of a second on an idle machine."""
PROBE_SECONDS = 0.02
JAVA_FOR_TESTS = ("-XX:TieredStopAtLevel=1",)
"""A broker that lives for minutes does not earn back what the second compiler costs."""


class KafkaForTests(Protocol):
    """What a test may do to a broker."""

    @property
    def bootstrap(self) -> str:
        """The address for clients."""

    def up(self) -> None:
        """Start the broker and return once it answers."""

    def down(self) -> None:
        """Stop the broker properly."""

    def kill(self) -> None:
        """End the broker as a crash would."""

    def pause(self) -> None:
        """Make the broker hang."""

    def resume(self) -> None:
        """Let a paused broker go on."""


class EmbeddedKafka:
    """A node of the embedded runtime."""

    def __init__(self, state: State, doors: Sequence[Door] = (), java: tuple[str, ...] = JAVA_FOR_TESTS) -> None:
        plan = KafkaPlan(kafka_program(Steps()), free_port(), free_port(), FOR_TESTS, java, tuple(doors))
        self._server = KafkaServer(state, plan)
        self.bootstrap = self._server.bootstrap
        self.data = state.folder / "kafka" / "data"

    @property
    def is_running(self) -> bool:
        """Whether the node's process runs."""
        return self._server.is_running

    def up(self) -> None:
        """Start the node."""
        if not self._server.is_running:
            self._server.start()

    def down(self) -> None:
        """Stop the node."""
        self._server.stop()

    def kill(self) -> None:
        """Kill the node."""
        self._server.kill()

    def pause(self) -> None:
        """Stop the node's process where it stands."""
        self._server.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._server.resume()


def make_topic(
    kafka: KafkaForTests, name: str, partitions: int = MOST_PARTITIONS, config: Mapping[str, str] | None = None
) -> None:
    """Make one topic of a test's own."""
    run_apart(create_topics(kafka.bootstrap, [NewTopic(name, partitions, 1, topic_configs=dict(config or {}))]))


def fresh_topics(bootstrap: str) -> None:
    """Delete every topic and make those of the contracts again, empty: a fifth of a second for both."""
    run_apart(_fresh_topics(bootstrap))


async def _fresh_topics(bootstrap: str) -> None:
    wanted = topics_wanted(PUBLISHERS, most_partitions=MOST_PARTITIONS)
    if old := await existing_topics(bootstrap):
        await delete_topics(bootstrap, old)
    # The controller answers before the broker has caught up: until then the old topic's records can still be seen.
    await _wait_for_topics(bootstrap, [])
    await create_topics(bootstrap, wanted)
    await _wait_for_topics(bootstrap, sorted(topic.name for topic in wanted))


async def _wait_for_topics(bootstrap: str, names: list[str]) -> None:
    async with asyncio.timeout(SETTLE_SECONDS), admin(bootstrap) as client:
        while own_topics(await client.list_topics()) != names:  # noqa: ASYNC110 - a broker calls nobody when it is done
            await asyncio.sleep(PROBE_SECONDS)
