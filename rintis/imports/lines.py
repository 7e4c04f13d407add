"""One line of a file, whatever the file is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rintis.imports.columns import Kind, Refusal, match_headings, missing_columns
from rintis.runtime.errors import CannotStart


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number in the file (the heading is line 1), its fields, and how far into the file it ends."""

    number: int
    fields: dict[str, str]
    bytes_read: int
    refusal: Refusal | None = None
    """Why it cannot be taken, where that shows before its fields are read."""


def find_columns(path: Path, kind: Kind, headings: Sequence[str]) -> dict[str, str]:
    """Return the fields by a file's own headings. Raises CannotStart, naming the needed ones that are missing."""
    columns = match_headings(headings)
    if lacking := missing_columns(kind, list(columns.values())):
        raise CannotStart(f"{path.name} lacks the columns {', '.join(lacking)}.", "The headings are listed in docs/publish.md.")
    return columns
