"""`rintis dead-letters`: what was set aside for good, and why. It never shows a record's content."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from rintis.operations.sources import open_sources
from shared.storage import load_queries

SQL = load_queries("rintis.operations")

app = typer.Typer(help="List and show dead letters.", no_args_is_help=True)

REMEDIES = {
    "not_json": "The publisher must send JSON in the value; see docs/publish.md.",
    "missing": "The publisher must set what the field names; see docs/publish.md.",
    "key_mismatch": "The record's key must be the reference or permit number that the data name.",
    "type_unknown": "The publisher must use one of the types in docs/asyncapi.yaml.",
    "version_unknown": "Upgrade the hearing service, then redrive; or the publisher goes back to the version we know.",
}
SCHEMA_REMEDY = "The publisher must mend the named field and send the event again, with a new id."


@app.command("list")
def list_letters(
    consumer: Annotated[str | None, typer.Option(help="Only this consumer, such as registration.registrations.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    limit: Annotated[int, typer.Option(help="Newest so many per service.", min=1, max=10_000)] = 50,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List dead letters, newest first."""
    rows = asyncio.run(_find("find_dead", consumer, reason, limit))
    if as_json:
        typer.echo(json.dumps(rows, indent=1, default=str))
        return
    table = Table(box=None, header_style="bold")
    for name in ("id", "consumer", "topic", "offset", "reason", "field", "since"):
        table.add_column(name)
    for row in rows:
        place = f"{row['partition']}/{row['record_offset']}"
        table.add_row(
            str(row["id"]), row["consumer"], row["topic"], place, row["reason"], row["field"], f"{row['dead_at']:%Y-%m-%d %H:%M}"
        )
    Console().print(table if rows else "There are no dead letters.")


@app.command("show")
def show_letter(
    letter: Annotated[UUID, typer.Argument(help="Id of the dead letter, as `list` prints it.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show one dead letter: where it came from, why it is dead, how to mend it. Exit status 1 where there is none."""
    rows = asyncio.run(_find("find_dead_letter", letter))
    if not rows:
        typer.echo(f"There is no dead letter {letter}.", err=True)
        raise typer.Exit(1)
    row = rows[0] | {"remedy": REMEDIES.get(rows[0]["reason"], SCHEMA_REMEDY)}
    if as_json:
        typer.echo(json.dumps(row, indent=1, default=str))
        return
    table = Table(show_header=False, box=None)
    for name, value in row.items():
        table.add_row(name, str(value))
    Console().print(table)


async def _find(block: str, *arguments: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with open_sources() as sources:
        for service in sources.services:
            async with sources.read(service) as connection:
                rows += [{"service": service, **dict(row)} for row in await connection.fetch(SQL[block], *arguments)]
    return sorted(rows, key=lambda row: str(row["dead_at"]), reverse=True)
