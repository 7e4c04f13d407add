"""Flame graphs of the services while they work, by py-spy where it is installed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps

PER_SECOND = 100
"""Looks at each process: a hundredth of its time, which slows it by a few per cent."""
END_SECONDS = 60.0
"""For py-spy to write its drawing."""


def find_profiler() -> str:
    """Return the program.

    Raises:
        CannotStart: where it is not installed.
    """
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise CannotStart("There is no py-spy on this machine.", f"{sys.executable} -m pip install py-spy")
    return found


@contextmanager
def profiling(program: str, pids: Mapping[str, int], names: Collection[str], folder: Path, steps: Steps) -> Iterator[list[Path]]:
    """Draw a flame graph of each named process while the block runs, into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / f"{name}.svg" for name in pids if name in names}
    watchers = []
    for name, file in files.items():
        command = [program, "record", "--pid", str(pids[name]), "--rate", str(PER_SECOND), "--output", str(file)]
        output = subprocess.DEVNULL
        watchers.append(subprocess.Popen(command, stdin=output, stdout=output, stderr=output))  # noqa: S603 - our own command line
    try:
        yield list(files.values())
    finally:
        for watcher in watchers:
            watcher.send_signal(signal.SIGINT)
        for watcher in watchers:
            watcher.wait(END_SECONDS)
        for file in files.values():
            steps.note(f"  {file}" if file.exists() else f"  {file} could not be drawn")
