"""`rintis positions`: where every consumer stands, and what somebody decides after a log or a database went back in time."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rintis.operations.log import open_log
from rintis.operations.outboxes import learn
from rintis.operations.positions import SQL, Decision, Standing, accept, read_standings
from rintis.operations.sources import open_sources
from rintis.runtime.databases import SERVICES
from rintis.runtime.errors import CannotStart
from shared.messaging.tails import outbox_of
from shared.storage import Database

app = typer.Typer(help="Show and, after a loss or a restore, accept positions.", no_args_is_help=True)

DECISIONS = 20
"""The last decisions, shown with the positions."""


class ReadFrom(StrEnum):
    """Where a consumer goes on after a log lost its tail."""

    BEGINNING = "beginning"
    HERE = "here"


@app.command("show")
def show(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Sound positions too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print positions and decisions as JSON.")] = False,
) -> None:
    """Show what went back in time. Exit status 1 where something did."""
    standings, decisions = asyncio.run(_show())
    faulty = [standing for standing in standings if standing.fault]
    if as_json:
        shown = {"positions": [asdict(standing) for standing in standings], "decisions": decisions, "faults": len(faulty)}
        typer.echo(json.dumps(shown, indent=1, default=str))
    else:
        _print(standings if everything else faulty)
    if faulty:
        raise typer.Exit(1)


@app.command("accept")
def accept_positions(
    consumer: Annotated[str, typer.Argument(help="A consumer (registration.registrations), an outbox, or a whole service.")],
    *,
    who: Annotated[str, typer.Option(help="Who decides.")],
    why: Annotated[str, typer.Option(help="Why: what happened, and what was looked at.")],
    read_from: Annotated[
        ReadFrom, typer.Option(help="After a lost tail: from the log's beginning (copies are dropped), or from the old position.")
    ] = ReadFrom.BEGINNING,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was accepted as JSON.")] = False,
) -> None:
    """Take what log and database hold now for the truth, so that the service can go on. Who and why are recorded."""
    decision = Decision(who, why, datetime.now(UTC), read_from.value)
    done = asyncio.run(_accept(consumer, decision))
    if as_json:
        typer.echo(json.dumps(done, indent=1, default=str))
        return
    for line in done:
        typer.echo(f"{line['consumer']} {line['topic']}/{line['partition']}: {line['what']}")
    if not done:
        typer.echo(f"Nothing of {consumer} went back in time; nothing was changed.")


async def _show() -> tuple[list[Standing], list[dict[str, Any]]]:
    decisions: list[dict[str, Any]] = []
    async with open_sources() as sources, open_log(sources.bootstrap) as log:
        standings = await read_standings(sources, log)
        for service in sources.services:
            async with sources.read(service) as connection:
                decisions += [dict(row) for row in await connection.fetch(SQL["find_decisions"], DECISIONS)]
    return standings, sorted(decisions, key=lambda row: str(row["decided_at"]), reverse=True)


async def _accept(consumer: str, decision: Decision) -> list[dict[str, Any]]:
    service = consumer.split(".", 1)[0]
    if service not in SERVICES:
        raise CannotStart(f"There is no service {service}.", f"It is one of {', '.join(SERVICES)}.")
    async with open_sources() as sources, open_log(sources.bootstrap) as log:
        standings = await read_standings(sources, log)
        wanted = [s for s in standings if s.fault and consumer in (s.consumer, service) and s.service == service]
        outbox = [standing for standing in wanted if standing.consumer == outbox_of(service)]
        heard = [standing for standing in wanted if standing not in outbox]
        database = Database(_address(service), name="rintis-positions", size=1)
        await database.open()
        try:
            lines = [_line(standing, _heard_words(standing)) for standing in await accept(database, heard, decision)]
            if outbox:
                learned = await learn(service, log, database, outbox, decision)
                words = f"numbers raised for {learned.keys} keys, from {learned.records} events on the service's topics"
                lines += [_line(standing, words) for standing in outbox]
        finally:
            await database.close()
    return lines


def _line(standing: Standing, what: str) -> dict[str, Any]:
    return {"consumer": standing.consumer, "topic": standing.topic, "partition": standing.partition, "what": what}


def _heard_words(standing: Standing) -> str:
    return f"reads on from {standing.position}, {max(0, standing.end - standing.position)} records to come; copies change nothing"


def _address(service: str) -> str:
    variable = f"DATABASE_URL_{service.upper()}"
    if not (address := os.environ.get(variable)):
        raise CannotStart(
            f"Nothing says how the database of {service} is written.", f"Start `rintis up` here, or set {variable}."
        )
    return address


def _print(standings: Sequence[Standing]) -> None:
    console = Console()
    if not standings:
        console.print("Every position fits its log and its database.")
        return
    table = Table(box=None, header_style="bold")
    for name in ("consumer", "topic", "part.", "position", "noted", "log", "fault"):
        table.add_column(name)
    for s in standings:
        noted = "-" if s.committed is None else str(s.committed)
        place = (s.consumer, s.topic, str(s.partition), str(s.position), noted, f"{s.beginning}..{s.end}")
        table.add_row(*place, s.fault or "-", style="red" if s.fault else "")
    console.print(table)
    for sentence in dict.fromkeys(s.says for s in standings if s.says):
        console.print(sentence, highlight=False)
