"""A few events that lead to others wait shortly for them: both are settled in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from shared.clock import Clock
from shared.contracts.registration import WorkerRegistered
from shared.contracts.topics import DECISIONS, FOLLOWED, READ_TOGETHER, WORKERS, Topic
from shared.messaging import Consumer, Limits, Reader, Subscription
from shared.messaging import reader as module
from shared.messaging.broker import make_broker
from shared.messaging.pacing import is_followed
from shared.messaging.pipeline import Pipeline
from shared.storage import Database

LIMITS = Limits(batch_records=100, busy_records=10, poll_ms=500, follow_ms=30)

Found = dict[TopicPartition, list[str]]


@dataclass
class Script:
    """What Kafka has to give, fetch by fetch, and how long and for how much it was asked."""

    client: object
    gives: list[Found | Exception]
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def take(self, *, within_ms: int, at_most: int) -> Found:
        self.asked.append((within_ms, at_most))
        given = self.gives.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


def at(topic: Topic, partition: int = 0) -> TopicPartition:
    return TopicPartition(topic.name, partition)


def make_reader(service: str, topics: list[Topic]) -> Reader:
    database = Database("postgresql://nowhere", name="test")
    routes: Any = {WorkerRegistered: object()}
    subscriptions = [Subscription(service, topic.name.rsplit(".", 1)[-1], topic, routes, takes_runs=True) for topic in topics]
    pipelines = [Pipeline(one, database, clock=Clock(), limits=LIMITS, vault=None) for one in subscriptions]
    made = Reader(
        make_broker("127.0.0.1:1", LIMITS, "test"),
        [Consumer(pipeline) for pipeline in pipelines],
        bootstrap="127.0.0.1:1",
        limits=LIMITS,
        instance=None,
        fail=lambda _: None,
        committed=lambda: None,
    )
    made.subscriber = SimpleNamespace(consumer=None)
    return made


@pytest.fixture
def people() -> Reader:
    """The reader of what people are told."""
    return make_reader("notification", [WORKERS, DECISIONS])


async def fetched(reader: Reader, *gives: Found | Exception) -> tuple[tuple[Any, ...], list[tuple[int, int]]]:
    client = object()
    script = Script(client, list(gives))
    reader._fetching = script  # type: ignore[assignment]  # stands in for a client
    return await reader._fetch(client), script.asked


async def test_a_few_registered_wait_for_their_decisions_and_are_first_in_the_batch(people: Reader) -> None:
    records, asked = await fetched(
        people, {at(WORKERS): ["w1"], at(WORKERS, 3): ["w2"]}, {at(DECISIONS): ["d1"], at(WORKERS): ["w3"]}
    )
    assert records == ("w1", "w3", "w2", "d1")
    assert asked == [(500, 200), (30, 198)]


async def test_who_is_not_decided_about_in_time_is_told_without(people: Reader) -> None:
    records, _ = await fetched(people, {at(WORKERS): ["w1"]}, {})
    assert records == ("w1",)


@pytest.mark.parametrize(
    "found",
    [{}, {at(DECISIONS): ["d1"]}, {at(WORKERS): ["w1"], at(DECISIONS): ["d1"]}, {at(WORKERS): ["w"] * 10}],
    ids=["nothing", "decisions", "both", "much"],
)
async def test_whatever_else_comes_is_taken_at_once(people: Reader, found: Found) -> None:
    _, asked = await fetched(people, found)
    assert asked == [(500, 200)]


async def test_what_is_in_hand_is_kept_when_the_broker_goes_away_meanwhile(
    people: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FETCH_RETRY_SECONDS", 0.0)
    records, _ = await fetched(people, {at(WORKERS): ["w1"]}, KafkaConnectionError())
    assert records == ("w1",)


async def test_who_hears_nothing_that_follows_does_not_wait() -> None:
    _, asked = await fetched(make_reader("eligibility", [WORKERS]), {at(WORKERS): ["w1"]})
    assert asked == [(500, 100)]


def test_what_is_followed_is_read_together_with_what_follows() -> None:
    assert all(leading in READ_TOGETHER[group] for group, leading in FOLLOWED.items())
    assert not is_followed({at(WORKERS): ["w1"]}, None, LIMITS)
