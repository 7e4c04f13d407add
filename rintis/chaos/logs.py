"""What the logs of a run's processes say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

TRACEBACK = b"Traceback (most recent call last)"
"""What a log holds where a program met an error that it did not expect."""


def count_errors(logs: Iterable[Path]) -> int:
    """Return how many errors these logs hold that nobody expected: those with a traceback."""
    return sum(log.read_bytes().count(TRACEBACK) for log in logs if log.exists())


def last_reason(log: Path) -> str:
    """Return why a service says that it ended, empty where it says nothing."""
    for line in reversed(log.read_text(errors="replace").splitlines()):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and entry.get("action") == "fatal":
                return str(entry.get("reason", ""))
    return ""
