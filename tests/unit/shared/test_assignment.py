import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from shared.cancelling import Interrupted
from shared.clock import Clock
from shared.contracts.topics import WORKERS
from shared.messaging import Consumer, Limits, Reader, Subscription
from shared.messaging import reader as module
from shared.messaging.broker import make_broker
from shared.messaging.pipeline import Pipeline
from shared.messaging.records import StoredRecord
from shared.storage import Database

TOPIC = WORKERS.name


class Client:
    """A Kafka client that remembers where it was told to go."""

    def __init__(self) -> None:
        self.sought: list[tuple[int, int]] = []

    def seek(self, partition: Any, offset: int) -> None:
        self.sought.append((partition.partition, offset))


@pytest.fixture
def reader() -> Reader:
    database = Database("postgresql://nowhere", name="test")
    subscription = Subscription("eligibility", "workers", WORKERS, {})
    pipeline = Pipeline(subscription, database, clock=Clock(), limits=Limits(), vault=None)
    broker = make_broker("127.0.0.1:1", Limits(), "test")
    made = Reader(
        broker,
        [Consumer(pipeline)],
        bootstrap="127.0.0.1:1",
        limits=Limits(),
        instance=None,
        fail=lambda _: None,
        committed=lambda: None,
    )
    made.subscriber = SimpleNamespace(consumer=Client())
    return made


def records(partition: int, *offsets: int) -> list[StoredRecord]:
    return [StoredRecord(TOPIC, partition, offset, 0, b"k", b"{}", []) for offset in offsets]


def test_records_of_a_partition_that_went_are_left_to_its_new_holder(reader: Reader) -> None:
    reader.consumers[0].pipeline.positions.reading = {(TOPIC, 0): 5}
    assert [r.partition for r in reader._in_place([*records(0, 5, 6), *records(1, 0)])] == [0, 0]


def test_records_fetched_before_the_position_was_set_are_fetched_again_from_it(reader: Reader) -> None:
    reader.consumers[0].pipeline.positions.reading = {(TOPIC, 0): 5}
    assert reader._in_place(records(0, 9, 10)) == []
    assert reader.subscriber.consumer.sought == [(0, 5)]
    assert [r.offset for r in reader._in_place(records(0, 5, 6))] == [5, 6]


async def test_a_batch_whose_positions_do_not_come_is_dropped_and_the_loop_asks_for_more(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PLACE_SECONDS", 0.001)
    reader.consumers[0].pipeline.positions.reading = {(TOPIC, 0): 5}
    async with asyncio.timeout(5):
        await reader._on_batch(records(0, 5))
    assert reader.consumers[0].pipeline.positions.reading == {(TOPIC, 0): 5}


@pytest.mark.parametrize("error", [asyncio.CancelledError(), OSError()])
async def test_a_batch_that_something_interrupts_is_read_again(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    async def break_off(_records: Sequence[Any]) -> None:
        raise error

    monkeypatch.setattr(reader, "_process", break_off)
    reader.consumers[0].pipeline.positions.reading = {(TOPIC, 0): 5}
    reader._placed.set()
    # The framework gives back a batch that raises, and ends its loop at anything that is not an Exception.
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is all the same to it
        await reader._on_batch(records(0, 5))
    assert isinstance(raised.value, Interrupted | OSError)


async def test_an_assignment_that_something_interrupts_is_made_again(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASSIGN_RETRY_SECONDS", 0.001)
    errors: list[BaseException] = [asyncio.CancelledError(), OSError()]

    async def seek(_assigned: Sequence[Any]) -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr(reader, "_seek", seek)
    async with asyncio.timeout(5):
        await reader.on_partitions_assigned([])
    assert reader._placed.is_set()


def test_a_hole_that_comes_again_is_a_hole_and_is_passed(reader: Reader) -> None:
    reader.consumers[0].pipeline.positions.reading = {(TOPIC, 0): 5}
    assert reader._in_place(records(0, 7, 8)) == []
    assert [r.offset for r in reader._in_place(records(0, 7, 8))] == [7, 8]
