"""Sends a file's lines to registration's door in parts, and keeps what became of each."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import requests

from rintis.imports.columns import Kind, LineRefused, Refusal, to_item
from rintis.imports.files import read_lines
from rintis.imports.lines import Line
from rintis.runtime.errors import CannotStart

PART_LINES = 500
"""Lines in one call: half of what the door takes, one transaction of well under a second."""
CALL_SECONDS = 60.0
PATIENCE_SECONDS = 600.0
"""How long a busy or restarting service is waited for before the import gives up; it can be started again."""
PAUSE_SECONDS = 1.0
TRY_AGAIN = frozenset({409, 502, 503, 504})
"""Answers that say nothing about the lines: the same call is made again."""
TAKEN = frozenset({"accepted", "duplicate", "evidence"})
_NO_REASON = {"field": "", "remedy": "Tidak ada yang perlu diperbaiki di baris ini."}
"""Said of a line that is not taken for no fault of its own: the person had their data erased."""


@dataclass
class Report:
    """What became of a file, in how many seconds: counts, and where the refused lines are listed."""

    lines: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    path: Path | None = None
    seconds: float = 0.0

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

    The same file again changes nothing: each call has a key made of its content, each line a reference of its own.
    `say` is told how many bytes of the file are done.

    Raises:
        CannotStart: where the file or the service cannot be used.
    """
    report, began = Report(path=report_path), time.monotonic()
    _check_answers(door.url)
    with report_path.open("w", newline="", encoding="utf-8-sig") as file, requests.Session() as session:
        rows = csv.writer(file)
        rows.writerow(["baris", "kolom", "kode", "perbaikan"])
        lines = read_lines(path, door.kind)
        for part in _parts(lines):
            for line, refusal in _send(session, door, part, report):
                rows.writerow([line, refusal.field, refusal.code, refusal.remedy])
            say(part[-1].bytes_read)
            report.seconds = time.monotonic() - began
    return report


def _check_answers(url: str) -> None:
    """Tell a service that is not there from one that restarts while a file goes in: only the second is waited for."""
    try:
        requests.get(f"{url.rstrip('/')}/health/live", timeout=CALL_SECONDS)
    except requests.RequestException as error:
        raise CannotStart(f"Registration does not answer at {url} ({type(error).__name__}).", "Is `rintis up` running?") from None


def _parts(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while part := list(islice(lines, PART_LINES)):
        yield part


def _send(session: requests.Session, door: Door, part: list[Line], report: Report) -> Iterator[tuple[int, Refusal]]:
    items: list[dict[str, Any]] = []
    numbers: list[int] = []
    report.lines += len(part)
    for line in part:
        try:
            items.append(_item(door.kind, line))
            numbers.append(line.number)
        except LineRefused as error:
            report.verdicts["malformed"] += 1
            yield line.number, error.refusal
    if not items:
        return
    for number, verdict in zip(numbers, _call(session, door, items), strict=True):
        report.verdicts[verdict["verdict"]] += 1
        if verdict["verdict"] not in TAKEN:
            for reason in verdict["reasons"] or [_NO_REASON | {"code": verdict["verdict"].upper()}]:
                yield number, Refusal(reason["field"], reason["code"], reason["remedy"])


def _item(kind: Kind, line: Line) -> dict[str, Any]:
    if line.refusal:
        raise LineRefused(line.refusal)
    return to_item(kind, line.fields)


def _call(session: requests.Session, door: Door, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = json.dumps({"items": items}, ensure_ascii=False).encode()
    headers = {
        "Authorization": f"Bearer {door.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": hashlib.sha256(door.kind.encode() + body).hexdigest(),
        "X-Door": "file",
    }
    url = f"{door.url.rstrip('/')}/{door.kind}/batch"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            answer = session.post(url, data=body, headers=headers, timeout=CALL_SECONDS)
        except requests.RequestException as error:
            reason, pause = type(error).__name__, PAUSE_SECONDS
        else:
            if answer.status_code == requests.codes.accepted:
                verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
                return verdicts
            reason, pause = f"HTTP {answer.status_code}", float(answer.headers.get("Retry-After", PAUSE_SECONDS))
            if answer.status_code not in TRY_AGAIN:
                raise CannotStart(f"Registration did not take the file: {reason}. {_detail(answer)}", _remedy(answer.status_code))
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Registration did not answer for {PATIENCE_SECONDS:.0f} s ({reason}).",
                "Start the import again later; nothing is doubled.",
            )
        time.sleep(pause)


def _detail(answer: requests.Response) -> str:
    """Return what a problem document says; whatever stands before the service may answer with something else."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.reason


def _remedy(status: int) -> str:
    if status in {requests.codes.unauthorized, requests.codes.forbidden}:
        return "Name a publisher that registration knows with --publisher, or its token in RINTIS_TOKEN."
    return "See docs/publish.md; what went in before stays, and the import can be started again."
