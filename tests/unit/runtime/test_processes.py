import os
import threading
from pathlib import Path

import pytest

from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import free_port
from rintis.runtime.processes import Process, Program, Supervisor
from rintis.runtime.state import State
from shared.testing import eventually

LISTENS = "import os, signal, socket; s = socket.create_server(('127.0.0.1', int(os.environ['PORT']))); signal.pause()"


def a_process(tmp_path: Path, code: str) -> Process:
    (tmp_path / "tried.py").write_text(code)
    state = State(tmp_path / "state")
    state.create()
    port = free_port()
    return Process(state, Program("tried", "tried", port, os.environ | {"PYTHONPATH": str(tmp_path), "PORT": str(port)}, None))


async def test_a_crashed_process_is_started_again(tmp_path: Path) -> None:
    once = tmp_path / "once"
    process = a_process(
        tmp_path, f"import pathlib; p = pathlib.Path({str(once)!r})\nif not p.exists(): p.touch(); raise SystemExit(3)\n{LISTENS}"
    )
    said: list[str] = []
    crashed = threading.Event()

    def hear(text: str) -> None:
        said.append(text)
        crashed.set()

    supervisor = Supervisor(hear)
    supervisor.start(process)
    assert crashed.wait(20)
    await eventually(lambda: process.lacks() == "", within=20)
    supervisor.stop()
    assert "exit code 3" in said[0]
    assert process.exit_code is not None


def test_a_process_that_ends_before_it_is_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    process = a_process(tmp_path, "raise SystemExit('no database')")
    process.start()
    with pytest.raises(CannotStart, match=r"exit code 1[\s\S]*no database"):
        process.wait_until_ready(20)


def test_a_process_that_never_gets_ready_is_reported_with_what_it_waits_for(tmp_path: Path) -> None:
    process = a_process(tmp_path, "import signal; signal.pause()")
    process.start()
    with pytest.raises(CannotStart, match="waits for its port"):
        process.wait_until_ready(0.1)
    process.stop()


def test_a_process_that_ignores_the_stop_is_killed_within_its_bound(tmp_path: Path) -> None:
    process = a_process(tmp_path, f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{LISTENS}")
    process.start()
    process.wait_until_ready(20)
    process.stop(within_seconds=0.1)
    assert process.exit_code == -9
