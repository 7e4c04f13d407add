"""Wakes a process once an answer of Kafka's is there as a whole.

A broker writes the records of each partition by themselves, so an answer to a fetch of ten partitions comes in a dozen pieces, and the
client was woken by each: 480 to 670 times a second in a service that took 20 to 45 batches. The kernel can be told how much has to be there
before it says that there is something to read (`SO_RCVLOWAT`).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.conn import AIOKafkaConnection

WHOLE_BYTES = 32 << 10
"""Answers up to this size are waited for as a whole: a quarter of what the kernel keeps for a socket by default. Of larger ones each piece is large."""


def wait_for_whole_answers() -> None:
    """Let every connection of the Kafka client in this process read so."""
    AIOKafkaConnection._read = staticmethod(_read)  # noqa: SLF001 - the client names no reader of its own


async def _read(find_connection: Any) -> None:
    """Read answers as the client does. It holds its connection only while it hands one over, so that a forgotten one can end."""
    connection = find_connection()
    if connection is None:
        return
    reader, transport = connection._reader, connection._writer.transport  # noqa: SLF001 - the client's own reader uses them
    del connection
    with _handle_of(transport) as handle:
        while True:
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            missing = size - len(reader._buffer)  # noqa: SLF001 - the stream does not say what it holds
            is_waited_for = handle is not None and 0 < missing <= WHOLE_BYTES
            if is_waited_for:
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, missing)
            try:
                answer = await reader.readexactly(size)
            finally:
                if is_waited_for:
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            connection = find_connection()
            if connection is None:
                return
            connection._handle_frame(answer)  # noqa: SLF001 - see above
            del connection


@contextmanager
def _handle_of(transport: Any) -> Iterator[Any]:
    """Yield a handle on a connection's socket, closed afterwards; None where bytes on the wire are not bytes of an answer."""
    own = transport.get_extra_info("socket")
    if own is None or transport.get_extra_info("sslcontext") is not None:
        yield None
        return
    with socket.fromfd(own.fileno(), own.family, own.type) as handle:
        yield handle
