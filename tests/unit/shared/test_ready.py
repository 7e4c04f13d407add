"""A service that says it is ready can be asked: its door is open by then."""

import asyncio
import socket

import pytest
import uvicorn

from rintis.runtime.ports import LOOPBACK, free_port
from shared.service import Service, ServiceSettings
from shared.testing import eventually


async def test_a_service_is_not_ready_before_its_door_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    may_listen = asyncio.Event()
    listen = uvicorn.Server.startup

    async def when_it_may(server: uvicorn.Server, sockets: list[socket.socket] | None = None) -> None:
        await may_listen.wait()
        await listen(server, sockets)

    monkeypatch.setattr(uvicorn.Server, "startup", when_it_may)
    service = Service("test", ServiceSettings(kafka_bootstrap_servers="127.0.0.1:1", http_port=(port := free_port())))
    running = asyncio.create_task(service.serve())
    await eventually(lambda: service.state.waits_for in {None, "its HTTP port"}, what="everything but the door being up")
    assert service.state.waits_for == "its HTTP port"
    may_listen.set()
    await eventually(lambda: service.state.waits_for is None, what="the service being ready")
    _, writer = await asyncio.open_connection(LOOPBACK, port)
    writer.close()
    service.stop()
    await running
