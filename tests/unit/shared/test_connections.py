import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.group import JoinGroupRequest
from aiokafka.protocol.metadata import MetadataRequest

from shared.errors import Fatal
from shared.messaging import Limits
from shared.messaging import connections as module
from shared.messaging.connections import mend_connections
from shared.service.chores import Chores
from shared.service.health import find_lost
from shared.storage import Database


class ClosedTransport:
    """What uvloop does with a write to a connection that the server has just closed."""

    def write(self, _data: bytes) -> None:
        raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")

    def close(self) -> None:
        return None


@pytest.fixture
async def connection() -> Any:
    made = AIOKafkaConnection("127.0.0.1", 1, on_close=None)
    made._versions = {request.API_KEY: (0, 1) for request in (MetadataRequest, JoinGroupRequest)}
    made._writer = ClosedTransport()
    made._read_task = Mock(done=lambda: True)
    return made


async def test_a_write_to_a_connection_that_was_closed_counts_as_a_lost_connection(connection: Any) -> None:
    mend_connections()

    with pytest.raises(KafkaConnectionError):
        connection.send(MetadataRequest([]))

    assert not connection.connected()


class SilentTransport:
    """A connection over which nothing comes back."""

    def write(self, _data: bytes) -> None:
        return None

    def close(self) -> None:
        return None


async def test_a_broker_that_does_not_answer_is_given_up_soon_and_a_group_that_is_waited_for_is_not(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend_connections()
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.01)
    connection._writer = SilentTransport()

    asked = asyncio.ensure_future(connection.send(MetadataRequest([])))
    done, _ = await asyncio.wait({asked}, timeout=5)
    assert done
    assert isinstance(asked.exception(), TimeoutError)

    connection._requests.clear()
    joining = asyncio.ensure_future(connection.send(JoinGroupRequest("g", 10_000, 60_000, "", None, "consumer", [])))
    behind = asyncio.ensure_future(connection.send(MetadataRequest([])))
    done, _ = await asyncio.wait({joining, behind}, timeout=0.1)
    assert not done
    assert connection._request_timeout == 40
    joining.cancel()
    behind.cancel()


async def test_a_consumer_whose_client_left_its_group_for_good_is_noticed() -> None:
    async def give_up() -> None:
        raise KafkaConnectionError

    async def go_on() -> None:
        await asyncio.Event().wait()

    lost, well = asyncio.create_task(give_up()), asyncio.create_task(go_on())
    await asyncio.wait({lost}, timeout=5)
    readers = [reader_with("eligibility.workers", lost), reader_with("eligibility.tasks", well)]

    assert find_lost(readers) == ["eligibility.workers"]

    assert isinstance(lost.exception(), KafkaConnectionError)
    well.cancel()


async def test_a_consumer_whose_loop_has_ended_is_noticed_and_one_that_was_followed_by_the_next_is_not() -> None:
    ended, well = asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(asyncio.Event().wait())
    await ended
    readers = [
        reader_with("notification.workers", well, loops=[ended]),
        reader_with("notification.reviews", well, loops=[ended, well]),
        reader_with("notification.tasks", well, loops=[]),
    ]

    assert find_lost(readers) == ["notification.workers"]

    well.cancel()


async def test_a_client_that_left_its_group_ends_its_process_and_one_that_is_being_stopped_does_not() -> None:
    left = asyncio.create_task(asyncio.sleep(0))
    await left
    is_stopping = asyncio.Event()
    readers = [reader_with("eligibility.workers", left)]
    database = Database("postgresql://nobody@127.0.0.1:1/none", name="test")
    chores = Chores(database, [], readers, Limits(), "test-1", lambda: None, is_stopping.is_set)

    with pytest.raises(Fatal, match=r"eligibility\.workers"):
        await chores.watch_consumers()
    is_stopping.set()

    assert await chores.watch_consumers() is False


def reader_with(group: str, task: asyncio.Task[Any], loops: Sequence[asyncio.Task[Any]] = ()) -> Any:
    client = SimpleNamespace(_coordinator=SimpleNamespace(_coordination_task=task), _fetcher=None)
    return SimpleNamespace(group=group, subscriber=SimpleNamespace(consumer=client, tasks=loops))
