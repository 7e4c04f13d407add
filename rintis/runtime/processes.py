"""Services as processes: each its own, with a log file, waited for, restarted after a crash, stopped in order."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rintis.runtime.errors import CannotStart
from rintis.runtime.ports import LOOPBACK
from rintis.runtime.state import State

READY_SECONDS = 120.0
"""For all services together; one needs 2 to 4 s on an idle machine, most of it imports, and shares it with seven others."""
STOP_SECONDS = 30.0
"""More than a service's own bound for finishing what it has in hand; afterwards it is killed, which loses nothing."""
PROBE_SECONDS = 0.2
"""Between two questions to a service that is not ready yet."""
ANSWER_SECONDS = 5.0
"""For one answer about readiness."""
FIRST_PAUSE_SECONDS = 0.5
"""Before the first restart after a crash; doubled for each further crash in a row."""
LONGEST_PAUSE_SECONDS = 30.0
"""Between restarts of a service that keeps crashing: a server that is away for minutes must not cost a core."""
STEADY_SECONDS = 60.0
"""After so long a run a crash counts as the first again."""
LOG_LINES = 12
"""Of a failed service's log, shown with the failure."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process slot: `python -m module` with an environment, listening on a port.

    `ready_path` is asked over HTTP; without one the open port is enough.
    """

    name: str
    module: str
    port: int
    environment: Mapping[str, str]
    ready_path: str | None = "/health/ready"

    @property
    def url(self) -> str:
        """The program's address."""
        return f"http://{LOOPBACK}:{self.port}"


class Process:
    """One run after another of a program."""

    def __init__(self, state: State, program: Program) -> None:
        self._state = state
        self.program = program
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """The file with everything the program has printed."""
        return self._state.logs / f"{self.program.name}.log"

    @property
    def pid(self) -> int | None:
        """The process' number, None where none was started."""
        return self._child.pid if self._child else None

    @property
    def exit_code(self) -> int | None:
        """How the process ended; None while it runs or where none was started."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Start a process; it is not ready yet."""
        program = self.program
        self._child = self._state.spawn(program.name, [sys.executable, "-m", program.module], environment=program.environment)

    def wait(self) -> int:
        """Block until the process ends and return its exit code."""
        if self._child is None:
            raise CannotStart(f"{self.program.name} was not started.")
        code = self._child.wait()
        self._state.forget(self._child.pid)
        return code

    def stop(self, within_seconds: float = STOP_SECONDS) -> None:
        """Ask the process to finish what it has in hand and end; kill it where it takes too long."""
        self.send(signal.SIGTERM)
        self._await_end(within_seconds)

    def kill(self) -> None:
        """End the process as a crash would."""
        self.send(signal.SIGKILL)
        self._await_end(STOP_SECONDS)

    def send(self, number: int) -> None:
        """Send a signal, where there is a process to hear it."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(number)

    def lacks(self) -> str:
        """Return what the program still waits for, empty where it is ready."""
        program = self.program
        if program.ready_path is None:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, program.port), ANSWER_SECONDS):
                return ""
            return "its port"
        try:
            with urllib.request.urlopen(program.url + program.ready_path, timeout=ANSWER_SECONDS):  # noqa: S310 - our own loopback address
                return ""
        except urllib.error.HTTPError as error:
            return _reason(error.read())
        except OSError:
            return "its HTTP port"

    def wait_until_ready(self, within_seconds: float = READY_SECONDS, say: Callable[[str], None] | None = None) -> None:
        """Return once the program says that it is ready.

        Raises:
            CannotStart: with what it waits for and the end of its log, after the deadline or where it has ended.
        """
        end = time.monotonic() + within_seconds
        while lack := self.lacks():
            if time.monotonic() > end or self.exit_code is not None:
                raise CannotStart(self._failure(lack))
            if say:
                say(f"{self.program.name} waits for {lack}")
            time.sleep(PROBE_SECONDS)

    def _failure(self, lack: str) -> str:
        what = f"waits for {lack}" if self.exit_code is None else f"ended with exit code {self.exit_code}"
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n  ".join([f"{self.program.name} {what}. The end of {self.log}:", *lines])

    def _await_end(self, within_seconds: float) -> None:
        if self._child is None:
            return
        try:
            self._child.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._state.forget(self._child.pid)


class Supervisor:
    """Keeps processes running: one thread each, which sleeps until its process ends."""

    def __init__(self, on_crash: Callable[[str], None]) -> None:
        self.processes: list[Process] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._on_crash = on_crash

    def start(self, process: Process) -> None:
        """Start a process and keep it running until `stop`."""
        process.start()
        self.processes.append(process)
        thread = threading.Thread(target=self._keep, args=(process,), name=f"keep {process.program.name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def remove(self, process: Process) -> None:
        """Stop one process for good."""
        self.processes.remove(process)
        process.stop()

    def wait_until_ready(self, say: Callable[[str], None]) -> None:
        """Return once every process is ready.

        Raises:
            CannotStart: where one is not, within one deadline for all.
        """
        end = time.monotonic() + READY_SECONDS
        for process in self.processes:
            process.wait_until_ready(max(0.0, end - time.monotonic()), say)

    def stop(self) -> None:
        """Stop every process, the last started first, all within one process' bound."""
        self._stopping.set()
        for process in reversed(self.processes):
            process.send(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for process in reversed(self.processes):
            process.stop(max(0.0, end - time.monotonic()))
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _keep(self, process: Process) -> None:
        crashes = 0
        while True:
            began = time.monotonic()
            code = process.wait()
            if self._stopping.is_set() or process not in self.processes:
                return
            crashes = 1 if time.monotonic() - began > STEADY_SECONDS else crashes + 1
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (crashes - 1))
            self._on_crash(
                f"{process.program.name} ended with exit code {code}; starting it again in {pause:.1f} s. Log: {process.log}"
            )
            if self._stopping.wait(pause):
                return
            process.start()


def _reason(body: bytes) -> str:
    """Return what a service that is not ready says it waits for."""
    try:
        answer = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")[:200] or "readiness"
    if isinstance(answer, dict):
        return str(answer.get("waits_for") or answer)[:200]
    return str(answer)[:200]
