"""`rintis dead-letters`: what was set aside for good, why, and how it is put right. Content is shown by `read` alone."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from rintis.commands import letter_actions
from rintis.commands.letter_actions import Consumer, Json, Only, ReasonCode, Since, Topic, Until
from rintis.operations.sources import open_sources
from shared.storage import load_queries

SQL = load_queries("rintis.operations")
ACTIONS = load_queries("shared.storage", "actions.sql")

app = typer.Typer(help="List, show, redrive and waive dead letters and held keys.", no_args_is_help=True)
for name in ("redrive", "waive", "approve", "cancel", "history", "read"):
    app.command(name)(getattr(letter_actions, name))

REMEDIES = {
    "not_json": "The publisher must send JSON in the value; see docs/publish.md.",
    "missing": "The publisher must set what the field names; see docs/publish.md.",
    "key_mismatch": "The record's key must be the reference or permit number that the data name.",
    "type_unknown": "The publisher must use one of the types in docs/asyncapi.yaml.",
    "version_unknown": "Upgrade the hearing service, then redrive; or the publisher goes back to the version we know.",
    "record_expired": "Nobody can read it any more; waive it, and ask the publisher to send it again with a new id.",
}
SCHEMA_REMEDY = "The publisher must mend the named field and send the event again, with a new id."
OUR_REMEDY = "Mend what the reason names, then `rintis dead-letters redrive`."


def remedy_of(reason: str) -> str:
    """Return what to do about a reason: the publisher's part where the record breaks the contract, else ours."""
    return REMEDIES.get(reason) or (SCHEMA_REMEDY if reason.startswith("schema_") else OUR_REMEDY)


@app.command("list")
def list_letters(  # noqa: PLR0913 - one option each
    *,
    consumer: Consumer = None,
    topic: Topic = None,
    reason: ReasonCode = None,
    since: Since = None,
    until: Until = None,
    only: Only = None,
    limit: Annotated[int, typer.Option(help="Newest so many per service.", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """List open dead letters and held keys, newest first."""
    if only not in {None, "dead", "held"}:
        raise typer.BadParameter("--only is `dead` or `held`.")
    times = (since and since.astimezone(), until and until.astimezone())
    rows = asyncio.run(_find(ACTIONS["find_entries"], consumer, topic, reason, *times, None, only, limit))
    if as_json:
        typer.echo(json.dumps(rows, indent=1, default=str))
        return
    table = Table(box=None, header_style="bold")
    for name in ("id", "consumer", "topic", "offset", "reason", "field", "state", "since"):
        table.add_column(name)
    for row in rows:
        place = "" if row["partition"] is None else f"{row['partition']}/{row['record_offset']}"
        since_text = f"{row['since']:%Y-%m-%d %H:%M}"
        table.add_row(str(row["id"]), row["consumer"], row["topic"], place, row["reason"], row["field"], row["state"], since_text)
    Console().print(table if rows else "There are no dead letters.")


@app.command("show")
def show_letter(
    letter: Annotated[UUID, typer.Argument(help="Id of the dead letter, as `list` prints it.")],
    *,
    as_json: Json = False,
) -> None:
    """Show one dead letter: where it came from, why it is dead, how to mend it, what was done. Exit status 1 where there is none."""
    rows = asyncio.run(_find(SQL["find_dead_letter"], letter))
    if not rows:
        typer.echo(f"There is no dead letter {letter}.", err=True)
        raise typer.Exit(1)
    story = [
        {name: row[name] for name in row if name != "service"} for row in asyncio.run(_find(ACTIONS["find_history"], letter))
    ]
    row = rows[0] | {"remedy": remedy_of(rows[0]["reason"]), "history": story}
    if as_json:
        typer.echo(json.dumps(row, indent=1, default=str))
        return
    table = Table(show_header=False, box=None)
    for name, value in row.items():
        table.add_row(name, str(value))
    Console().print(table)


async def _find(statement: str, *arguments: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    async with open_sources() as sources:
        for service in sources.services:
            async with sources.read(service) as connection:
                rows += [{"service": service, **dict(row)} for row in await connection.fetch(statement, *arguments)]
    return sorted(rows, key=lambda row: str(row.get("since") or row.get("asked_at") or ""), reverse=True)
