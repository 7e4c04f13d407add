"""Reads a CSV file as a stream: any size, constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rintis.imports.columns import Kind, match_headings, missing_columns
from rintis.runtime.errors import CannotStart

MOST_FIELD = 10_000
"""Longest field: the contract's longest text is 2,000 characters."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file (the heading is line 1), its fields, and how far into the file it ends."""

    number: int
    fields: dict[str, str]
    bytes_read: int


def read_lines(path: Path, kind: Kind) -> Iterator[Line]:
    """Yield the lines of a file that hold something. Comma or semicolon, UTF-8 with or without a mark.

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
            columns = match_headings(names)
            if lacking := missing_columns(kind, list(columns.values())):
                raise CannotStart(
                    f"{path.name} lacks the columns {', '.join(lacking)}.", "The headings are listed in docs/publish.md."
                )
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
