"""Reads a file as a stream: any size, constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from rintis.imports.columns import Kind
from rintis.imports.lines import Line, find_columns
from rintis.imports.sheets import read_sheet
from rintis.runtime.errors import CannotStart

MOST_FIELD = 10_000
"""Longest field: the contract's longest text is 2,000 characters."""


SHEETS = ".xlsx"


def read_lines(path: Path, kind: Kind) -> Iterator[Line]:
    """Yield the lines of a file that hold something, by its name's ending an XLSX file or else CSV.

    Raises:
        CannotStart: where it is no such file, or needed columns are missing, naming them.
    """
    return read_sheet(path, kind) if path.suffix.lower() == SHEETS else read_text(path, kind)


def read_text(path: Path, kind: Kind) -> Iterator[Line]:
    """Yield the lines of a CSV file that hold something. Comma or semicolon, UTF-8 with or without a mark.

    Raises:
        CannotStart: where it is no such file, or needed columns are missing, naming them.
    """
    csv.field_size_limit(MOST_FIELD)
    with path.open("rb") as raw:
        text = io.TextIOWrapper(raw, "utf-8-sig", newline="")
        try:
            heading = text.readline()
            separator = ";" if heading.count(";") > heading.count(",") else ","
            names = next(csv.reader([heading], delimiter=separator), [])
            columns = find_columns(path, kind, names)
            reader = csv.DictReader(text, fieldnames=names, delimiter=separator, restkey="", restval="")
            for row in reader:
                fields = {columns[heading]: value for heading, value in row.items() if heading in columns}
                if any(value and value.strip() for value in fields.values()):
                    yield Line(reader.line_num + 1, fields, raw.tell())
        except UnicodeDecodeError as error:
            raise CannotStart(f"{path.name} is not UTF-8.", "Save it as CSV UTF-8.") from error
        except csv.Error as error:
            raise CannotStart(
                f"{path.name} cannot be read as CSV: {error}.", "Save it as CSV UTF-8 with one person a line."
            ) from error
