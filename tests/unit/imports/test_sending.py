import csv
import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from rintis.imports.sending import PART_LINES, Door, import_file
from rintis.runtime.errors import CannotStart

HEADINGS = "NIK;Nama;Status;Tanggal PHK;Perusahaan"
DOOR = Door("http://registration.test", "token", "layoffs")
QUARTER_MEGABYTE = 1 << 18
"""A fifth of what the lines beyond the first part would take."""

Answer = tuple[int, Any]
Reply = Callable[[list[dict[str, Any]]], Answer]


class DoorForTests(requests.adapters.BaseAdapter):
    """Answers calls to registration in this process, and keeps what was asked."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply
        self.headers: list[dict[str, str]] = []

    def send(self, request: requests.PreparedRequest, *_: object, **__: object) -> requests.Response:
        """Answer one call."""
        answer = requests.Response()
        answer.status_code = 200
        if request.method == "POST":
            assert isinstance(request.body, bytes)
            self.headers.append({name: str(value) for name, value in request.headers.items()})
            answer.status_code, body = self.reply(json.loads(request.body)["items"])
            answer._content = json.dumps(body).encode()  # requests has no public way to build an answer
            answer.headers["Retry-After"] = "0"
        return answer

    def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> DoorForTests:
    """A door that takes everything as evidence unless a test says otherwise."""
    adapter = DoorForTests(lambda items: (202, {"verdicts": [verdict("evidence") for _ in items]}))
    monkeypatch.setattr(requests.Session, "get_adapter", lambda _session, **_: adapter)
    return adapter


def verdict(word: str, *reasons: dict[str, str]) -> dict[str, Any]:
    return {"verdict": word, "reasons": list(reasons), "warnings": []}


def write(path: Path, count: int) -> Path:
    with path.open("w", encoding="utf-8-sig") as file:
        file.write(HEADINGS + "\n")
        file.writelines(f"32730152048{number:05d};Siti {'x' * 80};phk;06-04-2020;PT Sandang\n" for number in range(count))
    return path


def report_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


@pytest.mark.usefixtures("door")
def test_a_file_takes_the_memory_of_one_part_however_long_it_is(tmp_path: Path) -> None:
    seen: list[int] = []
    small, large = write(tmp_path / "small.csv", PART_LINES), write(tmp_path / "large.csv", 8 * PART_LINES)
    peaks = []
    for path in (small, large):
        tracemalloc.start()
        report = import_file(path, DOOR, tmp_path / "report.csv", seen.append)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert report.lines == report.verdicts["evidence"] == 8 * PART_LINES
    assert seen[-1] == large.stat().st_size
    assert peaks[1] < peaks[0] + QUARTER_MEGABYTE


def test_every_line_that_is_not_taken_is_listed_with_line_field_code_and_remedy(tmp_path: Path, door: DoorForTests) -> None:
    reasons = [{"code": "NIK_FORMAT", "field": "nik", "detail": "…", "remedy": "Tulis 16 angka."}]
    words = iter([verdict("evidence"), verdict("refused", *reasons), verdict("erased")])
    door.reply = lambda items: (202, {"verdicts": [next(words) for _ in items]})
    path = tmp_path / "list.csv"
    path.write_text(f"{HEADINGS}\n1;a;phk;06-04-2020;PT\n;;;;\n2;b;phk;besok;PT\n3;c;phk;06-04-2020;PT\n4;d;phk;06-04-2020;PT\n")

    report = import_file(path, DOOR, tmp_path / "report.csv", lambda _: None)

    assert (report.lines, report.refused) == (4, 3)
    assert [row[:3] for row in report_of(tmp_path / "report.csv")] == [
        ["4", "layoff_on", "NOT_A_DATE"],
        ["5", "nik", "NIK_FORMAT"],
        ["6", "", "ERASED"],
    ]
    assert all(row[3] for row in report_of(tmp_path / "report.csv"))


def test_the_same_lines_make_the_same_calls_and_other_lines_others(tmp_path: Path, door: DoorForTests) -> None:
    for name, count in (("a.csv", 3), ("b.csv", 3), ("c.csv", 4)):
        import_file(write(tmp_path / name, count), DOOR, tmp_path / "report.csv", lambda _: None)

    first, again, other = (headers["Idempotency-Key"] for headers in door.headers)
    assert first == again != other
    assert all(headers["X-Door"] == "file" and headers["Authorization"] == "Bearer token" for headers in door.headers)


def test_a_busy_door_is_asked_again_with_the_same_call(tmp_path: Path, door: DoorForTests) -> None:
    answers: Iterator[Answer] = iter([(503, {}), (409, {})])
    door.reply = lambda items: next(answers, (202, {"verdicts": [verdict("evidence") for _ in items]}))

    report = import_file(write(tmp_path / "list.csv", 1), DOOR, tmp_path / "report.csv", lambda _: None)

    assert report.verdicts["evidence"] == 1
    assert len(door.headers) == 3
    assert len({headers["Idempotency-Key"] for headers in door.headers}) == 1


def test_a_publisher_that_the_door_does_not_know_ends_the_import_with_a_remedy(tmp_path: Path, door: DoorForTests) -> None:
    door.reply = lambda _items: (401, {"detail": "The token is unknown."})

    with pytest.raises(CannotStart, match=r"The token is unknown\.\s.*--publisher"):
        import_file(write(tmp_path / "list.csv", 1), DOOR, tmp_path / "report.csv", lambda _: None)


def test_a_service_that_is_not_there_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "get", refuse)

    with pytest.raises(CannotStart, match=r"does not answer at http://registration\.test"):
        import_file(write(tmp_path / "list.csv", 1), DOOR, tmp_path / "report.csv", lambda _: None)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"nama;perusahaan\n", "lacks the columns"),
        (HEADINGS.encode() + b"\n1;Jos\xe9;phk;06-04-2020;PT\n", "is not UTF-8"),
        (HEADINGS.encode() + b'\n1;"' + b"x" * 20_000, "cannot be read as CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_with_a_remedy(
    tmp_path: Path, door: DoorForTests, content: bytes, complaint: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)

    with pytest.raises(CannotStart, match=complaint):
        import_file(path, DOOR, tmp_path / "report.csv", lambda _: None)
    assert door.headers == []
