"""The mail server: `python -m simulators.smtp`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict

import uvloop
from aiohttp import web
from aiosmtpd.smtp import SMTP

from simulators.program import Options, read_options, say, wait_for_stop
from simulators.received import Received
from simulators.smtp.mailbox import Mailbox

ABOUT = """A mail server without TLS or login. It keeps what it takes as JSON lines with the Message-ID. Addresses that begin
with rejected, temporary or hanging are answered 550, 451 the first time, or not at all after the message was taken.
With RINTIS_SIM_CONTROL_PORT it takes POST /v1/behaviour there, over HTTP, to make it slow or faulty towards everybody."""

MAILBOX = web.AppKey("mailbox", Mailbox)


async def change_behaviour(request: web.Request) -> web.Response:
    """Make the server slow or faulty, for tests."""
    behaviour = request.app[MAILBOX].behaviour
    try:
        behaviour.change(await request.json())
    except ValueError as error:
        return web.json_response({"code": "malformed_request", "detail": str(error)}, status=400)
    return web.json_response(asdict(behaviour))


async def open_control(mailbox: Mailbox, host: str, port: int) -> web.AppRunner:
    """Listen for those who tell the server how to behave."""
    app = web.Application()
    app[MAILBOX] = mailbox
    app.router.add_post("/v1/behaviour", change_behaviour)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, host, port, reuse_address=True).start()
    return runner


async def serve(options: Options) -> None:
    """Serve until told to stop."""
    loop = asyncio.get_running_loop()
    received = Received(options.file)
    mailbox = Mailbox(received)
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="simulator", loop=loop), options.host, options.port, reuse_address=True
    )
    port = server.sockets[0].getsockname()[1]
    say(f"SMTP simulator ready on {options.host}:{port}, keeping {options.file}")
    control = os.environ.get("RINTIS_SIM_CONTROL_PORT")
    runner = await open_control(mailbox, options.host, int(control)) if control else None
    await wait_for_stop()
    server.close()
    if runner is not None:
        await runner.cleanup()
    received.close()


def main() -> None:
    """Run the program."""
    uvloop.run(serve(read_options("smtp", ABOUT)))


if __name__ == "__main__":
    main()
