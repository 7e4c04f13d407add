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
        self._path = path
        self._file = path.open("ab")
        if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
            # A crash cut the last line short; what comes next must not be glued to it.
            self._file.write(b"\n")
            self._file.flush()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield what earlier runs received; a line cut off by a crash was never answered and is left out."""
        for line in self._path.read_text("utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                continue

    def add(self, entry: dict[str, Any]) -> None:
        """Write one line and hand it to the operating system, so that a kill of the simulator cannot lose it."""
        self._file.write(orjson.dumps(entry) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
