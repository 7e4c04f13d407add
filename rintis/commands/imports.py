"""`rintis import FILE`: an employer's layoff list, or a dinas' list of registrations."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from rintis.imports.sending import Door, Report, import_file
from rintis.runtime.errors import CannotStart
from rintis.runtime.state import State

SOME_REFUSED = 3
"""Exit status where good lines went in and others were refused."""


class FileKind(StrEnum):
    """What a file is a list of."""

    LAYOFFS = "layoffs"
    REGISTRATIONS = "registrations"


def command(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file (UTF-8) or an XLSX file with a line of headings.")
    ],
    kind: Annotated[FileKind, typer.Option(help="An employer's list is layoffs, a dinas' list registrations.")],
    publisher: Annotated[
        str, typer.Option(help="In whose name; its token is taken from the state folder or RINTIS_TOKEN.")
    ] = "dinas",
    report: Annotated[Path | None, typer.Option(help="Where refused lines are listed; beside the file unless given.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Take a file in. Exit status: 0 all lines taken, 3 some refused (see the report), 1 not done."""
    door = Door(_address(), _token(publisher), kind.value)
    listed = report or file.with_suffix(".ditolak.csv")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(f"Importing {file.name}", total=file.stat().st_size)
        result = import_file(file, door, listed, lambda done: progress.update(task, completed=done))
        progress.update(task, completed=file.stat().st_size)
    _show(result, as_json=as_json)
    raise typer.Exit(SOME_REFUSED if result.refused else 0)


def _show(result: Report, *, as_json: bool) -> None:
    if as_json:
        figures = {"lines": result.lines, "seconds": round(result.seconds, 3), "verdicts": dict(result.verdicts)}
        typer.echo(json.dumps(figures | {"report": str(result.path)}, indent=1))
        return
    table = Table(show_header=False, box=None)
    table.add_row("lines", f"{result.lines:,}")
    if result.seconds:
        table.add_row("lines per second", f"{result.lines / result.seconds:,.0f}")
    for verdict, count in sorted(result.verdicts.items()):
        table.add_row(verdict, f"{count:,}")
    Console().print(table)
    if result.refused:
        Console().print(f"Refused lines with reason and remedy: {result.path}", soft_wrap=True)


def _address() -> str:
    if not (address := os.environ.get("RINTIS_URL_REGISTRATION")):
        raise CannotStart("Nothing says where registration is.", "Start `rintis up` here, or set RINTIS_URL_REGISTRATION.")
    return address


def _token(publisher: str) -> str:
    tokens = State.default().read("tokens.json", {})
    if token := tokens.get(publisher) or os.environ.get("RINTIS_TOKEN"):
        return str(token)
    raise CannotStart(f"There is no token for {publisher}.", "`rintis publishers add NAME` makes one, or set RINTIS_TOKEN.")
