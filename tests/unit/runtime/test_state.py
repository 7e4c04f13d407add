import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from rintis.runtime.errors import CannotStart
from rintis.runtime.state import Running, State

SLEEPER = [sys.executable, "-c", "import signal; signal.pause()"]


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.create()
    return state


@pytest.fixture
def sleeper(state: State) -> Iterator[subprocess.Popen[bytes]]:
    child = state.spawn("sleeper", SLEEPER)
    yield child
    child.kill()
    child.wait()


def test_the_next_start_ends_what_a_killed_one_left_running(state: State, sleeper: subprocess.Popen[bytes]) -> None:
    assert State(state.folder).end_leftovers() == ["sleeper"]
    assert not psutil.pid_exists(sleeper.pid)
    assert state.running() == []


def test_a_paused_left_over_is_ended_too(state: State, sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.send_signal(signal.SIGSTOP)
    assert State(state.folder).end_leftovers() == ["sleeper"]
    assert not psutil.pid_exists(sleeper.pid)


def test_a_stranger_that_got_the_same_number_is_left_alone(state: State, sleeper: subprocess.Popen[bytes]) -> None:
    [row] = state.running()
    state.write("processes.json", [asdict(replace(row, started=row.started - 60))])
    assert state.end_leftovers() == []
    assert sleeper.poll() is None


def test_one_folder_is_held_by_one_start_only(state: State) -> None:
    with state.hold(), pytest.raises(CannotStart, match=rf"process {os.getpid()}"), State(state.folder).hold():
        pass


def test_the_holder_is_known_while_it_holds_and_not_after(state: State) -> None:
    with state.hold():
        assert State(state.folder).holder() == os.getpid()
    assert State(state.folder).holder() is None


def test_files_of_the_folder_are_for_their_owner_only(state: State) -> None:
    path = state.write("secrets.json", {"password": "x"})
    assert path.stat().st_mode & 0o077 == 0
    assert state.read("secrets.json", None) == {"password": "x"}


def test_a_process_that_has_ended_is_not_found(state: State) -> None:
    child = state.spawn("short", [sys.executable, "-c", ""])
    started = state.running()[0].started
    child.wait()
    assert Running("short", child.pid, started).find() is None
    assert psutil.Process().is_running()
