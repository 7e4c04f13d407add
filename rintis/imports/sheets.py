"""Reads the first sheet of an XLSX file as a stream: any size, constant memory.

The library reads cells, dates and numbers. Its own way through a sheet keeps every text of the file and an empty element for each row,
hundreds of megabytes for a million people, so texts rest in a file here and rows are let go.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO, overload
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from openpyxl.cell.text import Text
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import DATA_TAG, ROW_TAG, WorkSheetParser
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

from rintis.imports.columns import Kind, Refusal
from rintis.imports.lines import Line, find_columns
from rintis.runtime.errors import CannotStart

MOST_BYTES = 8 << 30
"""Most that a file may unfold to: twenty times what a sheet with as many rows as Excel allows takes here."""
UNREADABLE = (BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, IndexError, TypeError, AttributeError)
"""What the library raises where a file is not what its name says."""
WHOLE_NUMBERS = frozenset({"nik", "kk"})
"""Sixteen digits: Excel keeps fifteen of a number and writes a zero for the sixteenth."""
PLACE_BYTES = 8


class TextsOnDisk(Sequence[str]):
    """Texts by number, kept in temporary files: a workbook names each of its texts once, and cells point to them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._content, self._places = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - they live as long as this does
        self._count = at = 0
        self._places.write(at.to_bytes(PLACE_BYTES))
        for text in texts:
            content = text.encode()
            at += len(content)
            self._content.write(content)
            self._places.write(at.to_bytes(PLACE_BYTES))
            self._count += 1

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[str]: ...
    def __getitem__(self, number: int | slice) -> str | Sequence[str]:
        """Return one text. Raises IndexError where there is none of this number."""
        if isinstance(number, slice) or not 0 <= number < self._count:
            raise IndexError(number)
        self._places.seek(number * PLACE_BYTES)
        begin, end = (int.from_bytes(self._places.read(PLACE_BYTES)) for _ in range(2))
        self._content.seek(begin)
        return self._content.read(end - begin).decode()


class _Sheet(ReadOnlyWorksheet):  # type: ignore[misc]  # openpyxl ships no types
    """A sheet whose size nobody asks for."""

    def _get_size(self) -> None:
        """Leave it open: where the file does not say, the library would read all rows for it, and keep an element of each."""


class _Reader(ExcelReader):  # type: ignore[misc]  # openpyxl ships no types
    """The library's reader of workbooks, with its texts on disk, and its rows where they are until they are wanted."""

    def read_worksheets(self) -> None:
        """Note which sheets there are."""
        for sheet, relation in self.parser.find_sheets():
            if relation.target not in self.valid_files:
                continue
            if "chartsheet" in relation.Type:
                self.read_chartsheet(sheet, relation)
            else:
                self.wb._sheets.append(_Sheet(self.wb, sheet.name, relation.target, self.shared_strings))  # noqa: SLF001 - it has no other

    def read_strings(self) -> None:
        """Read the workbook's table of texts."""
        if part := self.package.find(SHARED_STRINGS):
            with self.archive.open(part.PartName[1:]) as source:
                self.shared_strings = TextsOnDisk(_texts(source))


def read_sheet(path: Path, kind: Kind) -> Iterator[Line]:
    """Yield the rows of a workbook's first sheet that hold something.

    Raises:
        CannotStart: where it is no such file, or needed columns are missing, naming them.
    """
    with path.open("rb") as raw:
        try:
            rows = _rows(_open(raw, path))
            names = {column: str(value) for column, value in next(rows, (0, {}))[1].items()}
            fields = find_columns(path, kind, list(names.values()))
            for number, cells in rows:
                if known := {fields[names[at]]: value for at, value in cells.items() if names.get(at) in fields}:
                    yield _line(number, known, raw.tell())
        except UNREADABLE as error:
            raise CannotStart(
                f"{path.name} cannot be read as XLSX ({type(error).__name__}).",
                "Open it in a spreadsheet program and save it as XLSX without a password, or as CSV UTF-8.",
            ) from error


def _open(raw: BinaryIO, path: Path) -> Any:
    reader = _Reader(raw, read_only=True, data_only=True)
    if sum(part.file_size for part in reader.archive.infolist()) > MOST_BYTES:
        raise CannotStart(f"{path.name} unfolds to more than {MOST_BYTES >> 30} GiB.", "Split it, or save it as CSV UTF-8.")
    reader.read()
    return reader.wb.worksheets[0]


def _rows(sheet: Any) -> Iterator[tuple[int, dict[int, Any]]]:
    """Yield each row's number with its cells by column; a cell without a value is left out."""
    book = sheet.parent
    with sheet._get_source() as source:  # noqa: SLF001 - the library's own rows pile up
        parser = WorkSheetParser(
            source,
            sheet._shared_strings,  # noqa: SLF001 - see above
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,  # noqa: SLF001 - see above
            timedelta_formats=book._timedelta_formats,  # noqa: SLF001 - see above
        )
        data: Any = None
        for event, element in iterparse(source, events=("start", "end")):
            if element.tag == DATA_TAG and event == "start":
                data = element
            elif element.tag == ROW_TAG and event == "end":
                number, cells = parser.parse_row(element)
                yield number, {cell["column"]: cell["value"] for cell in cells if cell["value"] is not None}
                data.clear()


def _texts(source: Any) -> Iterator[str]:
    table: Any = None
    tag = f"{{{SHEET_MAIN_NS}}}si"
    for event, node in iterparse(source, events=("start", "end")):
        if table is None:
            table = node
        elif node.tag == tag and event == "end":
            yield Text.from_tree(node).content.replace("x005F_", "")
            table.clear()


def _line(number: int, cells: dict[str, Any], bytes_read: int) -> Line:
    wrong = next((field for field in cells if field in WHOLE_NUMBERS and isinstance(cells[field], int | float)), None)
    refusal = (
        Refusal(wrong, "NOT_A_TEXT", "Simpan kolom ini sebagai teks: Excel mengganti angka ke-16 dengan 0.") if wrong else None
    )
    return Line(number, {field: _text(value) for field, value in cells.items()}, bytes_read, refusal)


def _text(value: Any) -> str:
    """Return a cell's value as it would stand in a CSV file."""
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
