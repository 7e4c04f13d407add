"""What processes use: CPU seconds and memory, looked at twice a second, and interpolated to the moment that counts."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from rintis.runtime.databases import AUDIT

EVERY_SECONDS = 0.5
"""A look at sixty processes takes a hundredth of a second: two hundredths of one core."""
POSTGRES = "postgres"
DATABASE = re.compile(r" (?:rintis_(\w+)|(floor))(?: |$)")
HOUSEKEEPING = f"{POSTGRES}: autovacuum worker"
AUDITING = f"{POSTGRES}: {AUDIT} "
"""What the audit reads in a service's database is the audit's, not the service's."""
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. `cpu` counts seconds since each process began; memory is resident, in bytes."""

    at: float
    cpu: Mapping[str, float]
    memory: Mapping[str, int]


@dataclass
class Sampler:
    """Looks at processes by name until stopped. A server's own children are told apart by the database they work for."""

    processes: dict[str, int]
    samples: list[Sample] = field(default_factory=list)
    _known: dict[int, tuple[str, psutil.Process]] = field(default_factory=dict)
    _gone: dict[str, float] = field(default_factory=dict)
    _last: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Look once, and go on in a thread."""
        self.look()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look a last time."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self.look()

    def look(self) -> None:
        """Take a sample."""
        for name, pid in self.processes.items():
            self._meet(name, pid)
            if name == POSTGRES:
                self._meet_backends(pid)
        cpu: dict[str, float] = dict(self._gone)
        memory: dict[str, int] = {}
        for pid, (name, process) in list(self._known.items()):
            try:
                used, resident = process.cpu_times(), process.memory_info().rss
            except psutil.NoSuchProcess:
                # What a backend used stays counted when it ends.
                self._gone[name] = self._gone.get(name, 0.0) + self._last.get(pid, 0.0)
                cpu[name] = cpu.get(name, 0.0) + self._last.pop(pid, 0.0)
                del self._known[pid]
                continue
            self._last[pid] = used.user + used.system
            cpu[name] = cpu.get(name, 0.0) + self._last[pid]
            memory[name] = memory.get(name, 0) + resident
        self.samples.append(Sample(time.time(), cpu, memory))

    def used(self, began: float, ended: float) -> dict[str, float]:
        """Return the CPU seconds of each process between two moments."""
        first, last = cpu_at(self.samples, began), cpu_at(self.samples, ended)
        return {name: last[name] - first.get(name, 0.0) for name in last}

    def peaks(self) -> dict[str, int]:
        """Return the most memory of each process but PostgreSQL's, in bytes."""
        peaks: dict[str, int] = {}
        for sample in self.samples:
            for name, resident in sample.memory.items():
                if name.startswith(POSTGRES):
                    continue
                peaks[name] = max(peaks.get(name, 0), resident)
        return peaks

    def memory_of_postgres(self) -> int:
        """Return what the server's processes hold together now, in bytes, memory that they share counted once."""
        return sum(proportional_memory(pid) for pid, (name, _) in self._known.items() if name.startswith(POSTGRES))

    def _meet(self, name: str, pid: int) -> None:
        if pid not in self._known:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._known[pid] = (name, psutil.Process(pid))

    def _meet_backends(self, pid: int) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in psutil.Process(pid).children():
                if child.pid not in self._known:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        self._known[child.pid] = (backend_name(" ".join(child.cmdline())), child)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self.look()


def cpu_at(samples: Sequence[Sample], moment: float) -> dict[str, float]:
    """Return the CPU seconds of each process until a moment, between two looks by proportion. Pure."""
    after = next((place for place, sample in enumerate(samples) if sample.at >= moment), len(samples) - 1)
    one, two = samples[max(after - 1, 0)], samples[after]
    share = min(max((moment - one.at) / ((two.at - one.at) or 1.0), 0.0), 1.0)
    return {name: one.cpu.get(name, 0.0) + (used - one.cpu.get(name, 0.0)) * share for name, used in two.cpu.items()}


def backend_name(title: str) -> str:
    """Return what a process of PostgreSQL is counted under, by the title that it gives itself."""
    if not title.startswith(f"{POSTGRES}: "):
        return POSTGRES
    if title.startswith(HOUSEKEEPING):
        return f"{POSTGRES} vacuum"
    found = DATABASE.search(title)
    if found and title.startswith(AUDITING):
        return f"{POSTGRES} audit"
    return f"{POSTGRES} {found[1] or found[2] if found else 'background'}"


def proportional_memory(pid: int) -> int:
    """Return a process' memory in bytes, of what it shares its share: PostgreSQL's processes share most."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
