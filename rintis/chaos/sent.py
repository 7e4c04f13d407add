"""The load's own record: what it was about to send, written before it sent it, and what was acknowledged."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import Any, Literal

import orjson

SENT, ACKNOWLEDGED = "sent.jsonl", "acknowledged.jsonl"

Kind = Literal["registration", "permit", "change", "filing", "poison"]
Door = Literal["kafka", "http"]


@dataclass(frozen=True, slots=True)
class Sent:
    """One event as its publisher knows it. Numbers and ids only: the file is no place for personal data.

    `subject` is the test's own number of a person or a permit; `is_acceptable` is False where it has to be turned away.
    """

    number: int
    kind: Kind
    door: Door
    publisher: str
    source: str
    id: str
    reference: str
    subject: str
    is_acceptable: bool = True

    @property
    def name(self) -> tuple[str, str, str]:
        """Return what makes it one event, however often it is sent."""
        return self.publisher, self.source, self.id


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """That an event was taken: where on the log, or with which HTTP answer; `at` is in seconds since the epoch."""

    number: int
    at: float
    partition: int = -1
    offset: int = -1
    verdict: str = ""


class Book:
    """Two append-only files in a folder. A line is handed to the operating system before its event is sent."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.next_number = 1 + max((sent.number for sent in read_sent(folder)), default=-1)
        self._sent = (folder / SENT).open("ab")
        self._acknowledged = (folder / ACKNOWLEDGED).open("ab")

    def note_sent(self, events: Iterable[Sent]) -> None:
        """Write what is about to be sent, once for each time that it is."""
        at = f',"at":{time.time()}}}\n'.encode()
        self._sent.write(b"".join([orjson.dumps(event)[:-1] + at for event in events]))
        self._sent.flush()

    def note_acknowledged(self, events: Iterable[Acknowledged]) -> None:
        """Write what was taken."""
        self._acknowledged.write(b"".join([orjson.dumps(event) + b"\n" for event in events]))
        self._acknowledged.flush()

    def close(self) -> None:
        """Close both files."""
        self._sent.close()
        self._acknowledged.close()


def read_sent(folder: Path) -> list[Sent]:
    """Return everything that was to be sent, each event once."""
    found: dict[int, Sent] = {}
    for line in _lines(folder / SENT):
        if line["number"] not in found:
            line.pop("at")
            found[line["number"]] = Sent(**line)
    return list(found.values())


def read_acknowledged(folder: Path) -> list[Acknowledged]:
    """Return what was taken, once for each time that it was."""
    return [Acknowledged(**line) for line in _lines(folder / ACKNOWLEDGED)]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                found = orjson.loads(line)
            except ValueError:
                # Cut off by a crash of the load itself: such an event was not sent, or is in the file once more.
                continue
            # Each text once: a long run has millions of lines.
            yield {name: intern(value) if isinstance(value, str) else value for name, value in found.items()}
