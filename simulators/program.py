"""Start and stop of a simulator: options, the line that says it is ready, and a clean end on SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """Where a simulator listens and what file it keeps."""

    host: str
    port: int
    file: Path


def read_options(name: str, about: str, arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; the environment (RINTIS_SIM_PORT, RINTIS_SIM_FILE) gives what it leaves out."""
    parser = argparse.ArgumentParser(prog=f"python -m simulators.{name}", description=about)
    parser.add_argument("--host", default=LOOPBACK, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get("RINTIS_SIM_PORT", "0")),
        help="port to listen on; 0 takes a free one (default: RINTIS_SIM_PORT, now %(default)s)",
    )
    parser.add_argument(
        "--file",
        type=Path,
        default=Path(os.environ.get("RINTIS_SIM_FILE", f"{name}.jsonl")),
        help="JSON lines of what was received, one a line (default: RINTIS_SIM_FILE, now %(default)s)",
    )
    given = parser.parse_args(arguments)
    return Options(given.host, given.port, given.file)


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def wait_for_stop() -> None:
    """Return on the first SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
