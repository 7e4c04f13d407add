"""Sends a file's lines to registration's door in parts, and keeps what became of each."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

from rintis.imports.columns import Kind, LineRefused, Refusal, to_item
from rintis.imports.files import Line, digest_of, read_lines
from rintis.runtime.errors import CannotStart

PART_LINES = 500
"""Lines in one call: half of what the door takes, one transaction of well under a second."""
CALL_SECONDS = 60.0
PATIENCE_SECONDS = 600.0
"""How long a busy or restarting service is waited for before the import gives up; it can be started again."""
PAUSE_SECONDS = 1.0
TAKEN = frozenset({"accepted", "duplicate", "evidence"})


@dataclass
class Report:
    """What became of a file: counts, and where the refused lines are listed."""

    lines: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    path: Path | None = None

    @property
    def refused(self) -> int:
        """Return how many lines were not taken."""
        return sum(count for verdict, count in self.verdicts.items() if verdict not in TAKEN)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a file goes: registration's address, the publisher's token, and what the file is."""

    url: str
    token: str
    kind: Kind


def import_file(path: Path, door: Door, report_path: Path, say: Callable[[int], None]) -> Report:
    """Send every good line, and list the others with line, field, reason code and remedy.

    The same file again changes nothing: each part has a key made of the file's content, each line a reference of its own.
    `say` is told how many bytes of the file are done.

    Raises:
        CannotStart: where the file or the service cannot be used.
    """
    report, digest = Report(path=report_path), digest_of(path)
    with report_path.open("w", newline="", encoding="utf-8-sig") as file, requests.Session() as session:
        rows = csv.writer(file)
        rows.writerow(["baris", "kolom", "kode", "perbaikan"])
        lines = read_lines(path, door.kind)
        for number, part in enumerate(_parts(lines)):
            for line, refusal in _send(session, door, f"{digest[:40]}-{number}", part, report):
                rows.writerow([line, refusal.field, refusal.code, refusal.remedy])
            say(part[-1].bytes_read)
    return report


def _parts(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while part := list(islice(lines, PART_LINES)):
        yield part


def _send(session: requests.Session, door: Door, key: str, part: list[Line], report: Report) -> Iterator[tuple[int, Refusal]]:
    items: list[dict[str, Any]] = []
    numbers: list[int] = []
    report.lines += len(part)
    for line in part:
        try:
            items.append(to_item(door.kind, line.fields))
            numbers.append(line.number)
        except LineRefused as error:
            report.verdicts["malformed"] += 1
            yield line.number, error.refusal
    if not items:
        return
    for number, verdict in zip(numbers, _call(session, door, key, items), strict=True):
        report.verdicts[verdict["verdict"]] += 1
        if verdict["verdict"] not in TAKEN:
            for reason in verdict.get("reasons", []):
                yield number, Refusal(reason.get("field", ""), reason["code"], reason.get("remedy", ""))


def _call(session: requests.Session, door: Door, key: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {door.token}", "Idempotency-Key": key, "X-Door": "file"}
    url = urljoin(door.url + "/", f"{door.kind}/batch")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = session.post(url, json={"items": items}, headers=headers, timeout=CALL_SECONDS)
        except requests.RequestException as error:
            reason, pause = type(error).__name__, PAUSE_SECONDS
        else:
            if answer.status_code == requests.codes.accepted:
                verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
                return verdicts
            reason, pause = f"HTTP {answer.status_code}", float(answer.headers.get("Retry-After", PAUSE_SECONDS))
            if answer.status_code not in {409, 502, 503, 504}:
                raise CannotStart(
                    f"Registration did not take the file: {reason} {answer.json().get('detail', '')}", "See docs/publish.md."
                )
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Registration did not answer for {PATIENCE_SECONDS:.0f} s ({reason}).",
                "Start the import again later; nothing is doubled.",
            )
        time.sleep(pause)
