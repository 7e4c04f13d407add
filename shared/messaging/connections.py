"""Mends one thing in the Kafka client: writing to a connection that has just closed is a lost connection, not an unknown error.

asyncio only warns of such a write. uvloop raises RuntimeError, which the client does not take for a lost connection: the task
that keeps a consumer in its group ends on it, and the consumer reads nothing for as long as its process lives.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_send = AIOKafkaConnection.send


def _send_or_close(connection: Any, request: Any, expect_response: bool = True) -> Any:  # noqa: FBT001, FBT002 - the client's own shape
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"Connection at {connection.host}:{connection.port} was closed") from error


def mend_connections() -> None:
    """Make every connection of the Kafka client in this process say so when it was closed under a write."""
    AIOKafkaConnection.send = _send_or_close
