"""The state folder: what runs, where its logs are, what it needs to be found again.

Everything that Rintis keeps on this machine lies here, except downloaded jars (see `jars.py`). Deleting the folder
while nothing runs is a fresh start.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from rintis.runtime.errors import CannotStart

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""
LOCK = "lock"
"""The file whose lock says that somebody starts or runs things from the folder."""
START_TOLERANCE_SECONDS = 2.0
"""A process' start time is counted from the machine's boot time, which moves when the clock is set."""
END_SECONDS = 15.0
"""How long a left-over process may take to end by itself before it is killed; Kafka needs up to 3 s, PostgreSQL a checkpoint."""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started from a state folder. Number and start time together name it for good."""

    name: str
    pid: int
    started: float
    ends_on: int = signal.SIGTERM

    def find(self) -> psutil.Process | None:
        """Return the process, or None where it has ended and its number is free or somebody else's."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.started) < START_TOLERANCE_SECONDS
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class State:
    """One state folder. `hold` it while starting or running anything from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._guard = threading.Lock()

    @classmethod
    def default(cls) -> State:
        """Return the folder that $RINTIS_STATE names, else `.rintis` in the checkout."""
        return cls(Path(os.environ.get("RINTIS_STATE") or ROOT / ".rintis"))

    @property
    def logs(self) -> Path:
        """Where each process' output goes, one file each."""
        return self.folder / "logs"

    def create(self) -> None:
        """Make the folder. Others may pass through it (PostgreSQL may run under a user of its own), not list it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep every other start out of this folder until the block ends, also when the holder is killed.

        Raises:
            CannotStart: where another process holds it.
        """
        self.create()
        path = self.folder / LOCK
        with path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotStart(
                    f"Rintis already runs from {self.folder} (process {path.read_text().strip()}).",
                    "`rintis down` stops it; RINTIS_STATE=<another folder> starts a second one beside it.",
                ) from None
            path.write_text(str(os.getpid()))
            yield

    def holder(self) -> int | None:
        """Return the process that holds the folder, None where nobody does."""
        path = self.folder / LOCK
        if not path.exists():
            return None
        with path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(path.read_text().strip() or 0) or None
        return None

    def spawn(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        ends_on: int = signal.SIGTERM,
    ) -> subprocess.Popen[bytes]:
        """Start a process with a log file of its own and write down how to find it again."""
        options: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
        with (self.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603 - commands are our own, see the callers
                [str(part) for part in command],
                env=dict(environment if environment is not None else os.environ),
                cwd="/" if user else ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal reaches the parent alone, which then stops its children in order.
                start_new_session=True,
                **options,
            )
        self._record(Running(name, child.pid, psutil.Process(child.pid).create_time(), ends_on))
        return child

    def running(self) -> list[Running]:
        """Return what was started from here, in order of start, whether it still runs or not."""
        return [Running(**row) for row in self.read("processes.json", [])]

    def forget(self, pid: int) -> None:
        """Strike a process that has ended off the list."""
        with self._guard:
            self.write("processes.json", [asdict(row) for row in self.running() if row.pid != pid])

    def end_child(self, child: subprocess.Popen[bytes], number: int, within_seconds: float) -> None:
        """Send a child a signal, kill it where it takes too long to end, and strike it off the list."""
        child.send_signal(number)
        try:
            child.wait(within_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(within_seconds)
        self.forget(child.pid)

    def end_leftovers(self) -> list[str]:
        """End what an earlier start left running, newest first, and return the names. Touches nothing else."""
        ended = [row.name for row in reversed(self.running()) if end(row)]
        self.write("processes.json", [])
        return ended

    def read(self, name: str, default: Any) -> Any:
        """Return a JSON file of the folder, or `default` where there is none."""
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else default

    def write(self, name: str, content: Any) -> Path:
        """Write a JSON file that only its owner reads; a reader sees the old or the new one, never half of it."""
        return self.write_text(name, json.dumps(content, indent=1))

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file that only its owner reads, at once."""
        path = self.folder / name
        fresh = path.with_name(f"{path.name}.new")
        fresh.touch(mode=0o600)
        fresh.write_text(text, encoding="utf-8")
        return fresh.replace(path)

    def _record(self, row: Running) -> None:
        with self._guard:
            self.write("processes.json", [asdict(row) for row in (*self.running(), row)])


def end(row: Running, within_seconds: float = END_SECONDS) -> bool:
    """End a process by its own signal, then by kill -9. Returns whether it was still running."""
    process = row.find()
    if process is None:
        return False
    process.send_signal(signal.SIGCONT)  # a paused process hears nothing else
    process.send_signal(row.ends_on)
    try:
        process.wait(within_seconds)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(within_seconds)
    return True
