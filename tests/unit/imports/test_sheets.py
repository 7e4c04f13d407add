import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from rintis.imports.files import read_lines
from rintis.imports.sheets import TextsOnDisk
from rintis.runtime.errors import CannotStart

HEADINGS = ["No", "NIK", "Nama Lengkap", "Status", "Tanggal PHK", "Perusahaan", "KBLI Perusahaan"]
QUARTER_MEGABYTE = 1 << 18
"""A twentieth of what the cells of the larger workbook take, and its texts alone are ten times as much."""


def workbook(path: Path, *rows: list[Any], headings: list[str] = HEADINGS, states_its_size: bool = True) -> Path:
    book = Workbook(write_only=not states_its_size)
    sheet = book.active if states_its_size else book.create_sheet()
    sheet.append(headings)
    for row in rows:
        sheet.append(row)
    book.create_sheet("Catatan").append(["tidak dibaca"])
    book.save(path)
    return path


def test_a_sheet_says_what_a_csv_file_would_say(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "daftar.XLSX",
        [1, "3273015204800001", "Siti Aminah", "phk", date(2020, 4, 6), "PT Sandang", 14111],
        [],
        [2, "3273015204800002", "Siti <Aminah> & anak", "phk", datetime(2020, 4, 6, 9, 30), "PT Sandang", 14111.0],  # noqa: DTZ001 - a cell knows no time zone
    )
    first, second = read_lines(path, "layoffs")
    assert first.fields == {
        "nik": "3273015204800001",
        "name": "Siti Aminah",
        "employment_status": "phk",
        "layoff_on": "2020-04-06",
        "employer": "PT Sandang",
        "employer_kbli": "14111",
    }
    assert (first.number, second.number) == (2, 4)
    assert second.fields | {"nik": "", "name": ""} == first.fields | {"nik": "", "name": ""}
    assert second.fields["name"] == "Siti <Aminah> & anak"
    assert first.refusal is second.refusal is None


def test_a_nik_that_a_spreadsheet_keeps_as_a_number_is_refused_because_its_last_digit_is_gone(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [1, 3273015204800001, "Siti", "phk", "06-04-2020", "PT Sandang", None])
    (line,) = read_lines(path, "layoffs")
    assert line.refusal is not None
    assert (line.refusal.field, line.refusal.code) == ("nik", "NOT_A_TEXT")


@pytest.mark.parametrize("states_its_size", [True, False])
def test_a_sheet_takes_the_same_memory_however_long_it_is(tmp_path: Path, *, states_its_size: bool) -> None:
    peaks = []
    for count in (200, 4_000):
        rows = [[at, f"32730152048{at:05d}", f"Siti {at} {'x' * 200}", "phk", "06-04-2020", "PT", "14111"] for at in range(count)]
        path = workbook(tmp_path / f"{count}.xlsx", *rows, states_its_size=states_its_size)
        tracemalloc.start()
        assert sum(1 for _ in read_lines(path, "layoffs")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + QUARTER_MEGABYTE


def test_progress_goes_up_with_the_file(tmp_path: Path) -> None:
    rows = [[at, f"32730152048{at:05d}", "Siti", "phk", "06-04-2020", "PT", "14111"] for at in range(3_000)]
    path = workbook(tmp_path / "a.xlsx", *rows)
    done = [line.bytes_read for line in read_lines(path, "layoffs")]
    assert done == sorted(done)
    assert 0 < done[0] < done[-1] <= path.stat().st_size


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["1", "2"], headings=["NIK", "Nama"])
    with pytest.raises(CannotStart, match="lacks the columns employer, employment_status, layoff_on"):
        list(read_lines(path, "layoffs"))


@pytest.mark.parametrize("content", [b"", b"NIK;Nama\n1;2\n", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 512])
def test_what_is_no_workbook_is_said_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    with pytest.raises(CannotStart, match="cannot be read as XLSX"):
        list(read_lines(path, "layoffs"))


def test_a_workbook_without_rows_lacks_its_columns(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="lacks the columns"):
        list(read_lines(workbook(tmp_path / "a.xlsx", headings=[]), "layoffs"))


def test_texts_on_disk_are_found_by_number() -> None:
    texts = TextsOnDisk(["a", "", "é" * 3])
    assert [texts[0], texts[1], texts[2], len(texts)] == ["a", "", "ééé", 3]
    with pytest.raises(IndexError):
        texts[3]
