"""`rintis up` as a program: what a stop leaves behind, and what the start after a kill finds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rintis.runtime.ports import free_port
from rintis.runtime.state import ROOT, State
from shared.testing import eventually

pytestmark = [pytest.mark.servers, pytest.mark.slow]

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def state() -> Iterator[State]:
    folder = Path(tempfile.mkdtemp(prefix="rintis-up-"))
    yield State(folder)
    rintis(folder, "down", "--delete-data")
    shutil.rmtree(folder)


@pytest.fixture
def start(state: State) -> Iterator[Start]:
    """What starts `rintis up` from the state folder, with one service."""
    started: list[subprocess.Popen[bytes]] = []

    def up() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "rintis", "up", "--service", "notification"]
        with (state.folder / "up.log").open("ab") as log:
            parent = subprocess.Popen(command, env=variables(state.folder), cwd=ROOT, stdout=log, stderr=log)  # noqa: S603 - our own
            started.append(parent)
        return started[-1]

    yield up
    for parent in started:
        if parent.poll() is None:
            parent.terminate()
            parent.wait(120)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours."""
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield child
    child.kill()
    child.wait()


async def test_sigterm_stops_everything_in_order_and_leaves_nothing(state: State, start: Start) -> None:
    parent = start()
    addresses = await ready(state, parent)
    running = state.running()
    assert {row.name for row in running} == {"postgres", "kafka", "sms", "smtp", "notification"}
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(100) == 0
    assert [row.name for row in running if row.find()] == []
    assert not is_open(addresses["kafka"])
    assert state.running() == []


async def test_the_start_after_a_kill_ends_what_was_left_and_works(
    state: State, start: Start, bystander: subprocess.Popen[bytes]
) -> None:
    killed = start()
    await ready(state, killed)
    left = state.running()
    killed.kill()
    killed.wait()
    assert all(row.find() for row in left)
    (state.folder / "addresses.json").unlink()

    again = start()
    await ready(state, again)
    assert [row.name for row in left if row.find()] == []
    assert bystander.poll() is None
    again.send_signal(signal.SIGINT)
    assert again.wait(100) == 0


async def test_a_second_start_from_the_same_folder_is_refused_and_down_stops_the_first(state: State, start: Start) -> None:
    parent = start()
    await ready(state, parent)
    second = rintis(state.folder, "up")
    assert second.returncode == 1
    assert f"already runs from {state.folder}" in second.stderr
    assert rintis(state.folder, "down").returncode == 0
    assert parent.wait(10) == 0


def test_a_taken_port_is_reported_with_what_to_do(state: State) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = str(taken.getsockname()[1])
        answer = rintis(state.folder, "up", RINTIS_PORT_POSTGRES=port)
    assert answer.returncode == 1
    assert f"Port {port} for postgres (RINTIS_PORT_POSTGRES) is taken." in answer.stderr
    assert "unset it to let Rintis choose" in answer.stderr


def variables(folder: Path) -> dict[str, str]:
    return os.environ | {"RINTIS_STATE": str(folder)}


def rintis(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rintis", *arguments]
    return subprocess.run(  # noqa: S603 - our own command line
        command, env=variables(folder) | settings, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


async def ready(state: State, parent: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return the addresses once everything is ready."""
    path = state.folder / "addresses.json"

    def look() -> bool:
        if parent.poll() is not None:
            raise RuntimeError((state.folder / "up.log").read_text())
        return path.exists()

    await eventually(look, within=120, what="rintis up being ready")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def is_open(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True
