"""Mends four things in the Kafka client that each ended work in silence, held it up or left something behind.

- Writing to a connection that has just closed is a lost connection, not an unknown error. asyncio only warns of such a write. uvloop
  raises RuntimeError, which the client does not take for a lost connection: the task that keeps a consumer in its group ends on it, and
  the consumer reads nothing for as long as its process lives.
- Closing a consumer whose fetch has just failed raises CancelledError to whoever closes it, who then seems to have been cancelled: the
  client cancels that fetch and waits for it, and a fetch that pauses after a failure does not take the cancellation for its end
  (`Fetcher.close`, `Fetcher._proc_fetch_request`; reported of another place as aiokafka 647).
- A connection that the broker has forgotten and nobody told us of is noticed by a request's time-out alone, 40 s, which leaves room for the
  group's slowest requests. All others are answered at once where somebody is there.
- Stopping a producer whose broker is gone waits for its flush, and without one leaves its connections and two tasks behind.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

ANSWER_SECONDS = 5.0
"""Longest wait for an answer that needs no waiting: ten times a fetch's; with a heartbeat each three seconds it ends before the session does."""
WAIT_FOR_OTHERS = {request.API_KEY for request in (JoinGroupRequest, SyncGroupRequest, ProduceRequest)}
"""Requests that a broker answers when other members of the group, or other brokers, have done their part. What is asked over the same
connection meanwhile waits behind them: a broker takes one request of a connection at a time."""

_send = AIOKafkaConnection.send
_close = Fetcher.close


def _send_or_close(connection: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - the client's own shape
    patience = connection._request_timeout  # noqa: SLF001 - all requests of a connection share it
    if not _waits_for_others(connection, request):
        connection._request_timeout = min(patience, ANSWER_SECONDS)  # noqa: SLF001 - taken as the request is sent
    try:
        return _send(connection, request, expect_response)
    except KafkaError:
        raise
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} was closed") from error
    finally:
        connection._request_timeout = patience  # noqa: SLF001 - see above


def _waits_for_others(connection: Any, request: Any) -> bool:
    asked = [request.API_KEY, *(before.API_KEY for _, before, _ in connection._requests if before)]  # noqa: SLF001 - nothing public tells it
    return not WAIT_FOR_OTHERS.isdisjoint(asked)


async def _end_fetches_and_close(fetcher: Any) -> None:
    """Close as the client does, once nothing is left that it would have to cancel."""
    await _end({fetcher._fetch_task})  # noqa: SLF001 - nothing public ends it
    pending, fetcher._pending_tasks = set(fetcher._pending_tasks), set()  # noqa: SLF001 - see above
    await _end(pending)
    await _close(fetcher)


def mend_connections() -> None:
    """Mend every connection and every consumer of the Kafka client in this process."""
    AIOKafkaConnection.send = _send_or_close
    Fetcher.close = _end_fetches_and_close


async def abandon(producer: Any) -> None:
    """End a producer whose broker is gone: nothing is flushed, and nothing of it is left.

    What it had sent without an answer is sent again by the next one, as after a crash.
    """
    producer._closed = True  # noqa: SLF001 - its own stop would wait for the flush
    sender = producer._sender.sender_task  # noqa: SLF001 - see above
    if sender is not None:
        sender.cancel()
    await producer.client.close()
    if sender is not None:
        await asyncio.wait({sender})


async def _end(tasks: set[Any]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
