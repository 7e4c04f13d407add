"""What a simulator received: one JSON line each, written before the sender is told that it arrived."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson


class Received:
    """An append-only file of JSON lines that survives a restart of the simulator."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        # A file of its own: a buffer that both appends and reads takes what it writes for the place where it last read.
        self._reader = path.open("rb")
        self._end = self._file.tell()
        if self._end and not self._ends_with_a_line():
            # A crash cut the last line short; what comes next must not be glued to it.
            self._end += self._file.write(b"\n")
            self._file.flush()

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield what earlier runs received, and where; a line cut off by a crash was never answered and is left out."""
        self._reader.seek(0)
        begin = 0
        for line in self._reader:
            try:
                yield begin, json.loads(line)
            except ValueError:
                continue
            finally:
                begin += len(line)

    def add(self, entry: dict[str, Any]) -> int:
        """Write one line and return where it begins. `keep` comes before anybody is told."""
        begin = self._end
        self._end += self._file.write(orjson.dumps(entry) + b"\n")
        return begin

    def keep(self) -> None:
        """Hand what was written to the operating system, so that a kill of the simulator cannot lose it."""
        self._file.flush()

    def read(self, begin: int) -> dict[str, Any]:
        """Return the entry whose line begins there."""
        self._file.flush()
        self._reader.seek(begin)
        entry: dict[str, Any] = orjson.loads(self._reader.readline())
        return entry

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._reader.close()

    def _ends_with_a_line(self) -> bool:
        self._reader.seek(self._end - 1)
        return self._reader.read(1) == b"\n"
