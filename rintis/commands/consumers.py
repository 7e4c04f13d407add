"""`rintis consumers`: what stopped because too much of it was set aside, and how it goes on."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rintis.commands.letter_actions import As, Json, Why
from rintis.operations.doors import open_doors
from rintis.runtime.databases import SERVICES

app = typer.Typer(help="Show consumers that stopped, and let them read on.", no_args_is_help=True)


@app.command("stopped")
def stopped(as_: As = None, *, as_json: Json = False) -> None:
    """Show what is not read at the moment, and why. Exit status 1 where anything has stopped."""
    doors = open_doors(as_)
    stops = [stop for service in SERVICES for stop in doors.call(service, "GET", "/stops")["stops"]]
    if as_json:
        typer.echo(json.dumps(stops, indent=1))
    else:
        table = Table(box=None, header_style="bold")
        columns = ("consumer", "topic", "instance", "reason", "set_aside", "records", "stopped_at")
        for name in columns:
            table.add_column(name.replace("_", " "))
        for stop in stops:
            table.add_row(*(str(stop[name]) for name in columns))
        Console().print(table if stops else "Every consumer reads.")
    raise typer.Exit(1 if stops else 0)


@app.command("resume")
def resume(
    consumer: Annotated[str, typer.Argument(help="The consumer, as `stopped` prints it.")],
    why: Why,
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    as_: As = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="For ten minutes set aside what fails, however much it is.")] = False,
) -> None:
    """Let a consumer read on, after what was wrong is repaired. Exit status 1 where nothing of it had stopped."""
    service = consumer.split(".", 1)[0]
    if service not in SERVICES:
        raise typer.BadParameter("A consumer is named by its service first, such as registration.registrations.")
    body = {"consumer": consumer, "topic": topic, "why": why, "force": force}
    ended = open_doors(as_).call(service, "POST", "/stops/resume", json=body)["resumed"]
    for stop in ended:
        typer.echo(f"{stop['consumer']} reads {stop['topic']} on ({stop['instance']}).")
    if not ended:
        typer.echo(f"Nothing of {consumer} has stopped.", err=True)
        raise typer.Exit(1)
