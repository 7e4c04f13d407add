"""The mail server: `python -m simulators.smtp`."""

from __future__ import annotations

import asyncio

from aiosmtpd.smtp import SMTP

from simulators.program import Options, read_options, say, wait_for_stop
from simulators.received import Received
from simulators.smtp.mailbox import Mailbox

ABOUT = """A mail server without TLS or login. It keeps what it takes as JSON lines with the Message-ID. Addresses that begin
with rejected, temporary or hanging are answered 550, 451 the first time, or not at all after the message was taken."""


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
    await wait_for_stop()
    server.close()
    received.close()


def main() -> None:
    """Run the program."""
    asyncio.run(serve(read_options("smtp", ABOUT)))


if __name__ == "__main__":
    main()
