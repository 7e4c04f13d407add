from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.contracts.topics import DECISIONS, INTAKE_REGISTRATIONS, WORKERS, Topic
from shared.messaging.limits import Limits
from shared.messaging.pacing import count_unread, count_waiting, time_apart
from shared.messaging.routes import Subscription

LIMITS = Limits(
    batch_records=1_000,
    intake_batch_records=400,
    busy_records=100,
    busy_seconds=0.3,
    busy_together_seconds=0.2,
    apart_seconds=0.01,
    intake_apart_seconds=0.05,
)


def make_subscription(topic: Topic = WORKERS, asked: float = 0.0) -> Subscription:
    return Subscription("test", "pacing", topic, {}, apart_seconds=asked)


@pytest.mark.parametrize(("taken", "seconds"), [(1, 0.01), (10, 0.01), (50, 0.075), (100, 0.3), (1_000, 0.3)])
def test_the_more_a_batch_held_the_longer_the_next_one_may_grow(taken: int, seconds: float) -> None:
    assert time_apart(taken, 0, make_subscription(), LIMITS) == pytest.approx(seconds)


def test_consumers_that_are_read_together_are_given_less_time_to_grow() -> None:
    together = Subscription("notification", "decisions", DECISIONS, {})
    assert time_apart(100, 0, together, LIMITS) == pytest.approx(0.2)
    assert time_apart(50, 0, together, LIMITS) == pytest.approx(0.05)


def test_a_subscription_may_ask_for_more_and_never_for_less() -> None:
    assert time_apart(1, 0, make_subscription(asked=0.1), LIMITS) == pytest.approx(0.1)
    assert time_apart(100, 0, make_subscription(asked=0.1), LIMITS) == pytest.approx(0.3)
    assert time_apart(1, 0, make_subscription(asked=0.001), LIMITS) == pytest.approx(0.01)


def test_what_others_publish_one_by_one_is_given_more_time_to_come_together_than_what_our_services_send() -> None:
    assert time_apart(1, 0, make_subscription(INTAKE_REGISTRATIONS), LIMITS) == pytest.approx(0.05)
    assert time_apart(1, 0, make_subscription(WORKERS), LIMITS) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("topic", "waiting", "seconds"),
    [(WORKERS, 999, 0.3), (WORKERS, 1_000, 0.0), (INTAKE_REGISTRATIONS, 399, 0.3), (INTAKE_REGISTRATIONS, 400, 0.0)],
)
def test_a_whole_batch_that_waits_is_taken_at_once(topic: Topic, waiting: int, seconds: float) -> None:
    assert time_apart(100, waiting, make_subscription(topic, 0.1), LIMITS) == pytest.approx(seconds)


def test_what_waits_is_what_the_broker_last_told_of_beyond_positions_and_not_in_a_topic_that_was_stopped() -> None:
    ends = {TopicPartition("t", 0): 50, TopicPartition("t", 1): None, TopicPartition("t", 2): 10, TopicPartition("u", 0): 7}
    client: Any = SimpleNamespace(assignment=lambda: set(ends), highwater=ends.get, paused=lambda: frozenset(stopped))
    stopped: set[TopicPartition] = set()
    reading = {("t", 0): 10, ("t", 1): 4, ("t", 2): 12, ("t", 3): 0}

    assert count_waiting(client, reading) == 40
    assert count_waiting(client, reading | {("u", 0): 2}) == 45

    stopped.add(TopicPartition("t", 0))
    assert count_waiting(client, reading | {("u", 0): 2}) == 5
    assert count_unread(client, reading | {("u", 0): 2}) == 45
