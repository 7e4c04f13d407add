"""`rintis audit`: is everything that came in accounted for?"""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rintis.operations.edges import EDGES, find_edge
from rintis.operations.findings import Finding, Verdict
from rintis.operations.serving import CANNOT_LOOK, audit_once
from rintis.operations.showing import show_minute, show_service
from rintis.operations.store import open_store
from rintis.runtime.databases import SERVICES

LOOK_SECONDS = 1.0
"""Between two audits while waiting for a system at work to come to rest."""
PATIENCE_SECONDS = 10.0
"""How long one audit lets a system at work read what was said before it looked."""
SHOWN = 50
"""Findings printed; with `--json` all of them."""
BROKEN, BLIND = 1, 2
"""Exit statuses: something is missing, double or stuck; nothing can be said because a server is away."""


def command(
    wait: Annotated[float, typer.Option(help="Seconds to wait until nothing is on its way.", min=0)] = 0.0,
    *,
    edge: Annotated[str, typer.Option(help="Show one consumer, such as eligibility.workers, or one service's tables.")] = "",
    minute: Annotated[str, typer.Option(help="With --edge: show one minute event by event, as 2026-11-24T09:30 (UTC).")] = "",
    whole: Annotated[
        bool, typer.Option("--whole", help="Look at everything, not only at what was touched since the last.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Forget what earlier audits have proven, and begin again.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Reconcile what came in with what each service did.

    Exit status: 0 all accounted for; 1 missing, double or stuck; 2 it cannot look.
    """
    try:
        if edge:
            _print(asyncio.run(_show_edge(edge, _minute(minute))))
            return
        verdict = asyncio.run(_audit(wait, is_whole=whole, is_anew=anew))
    except CANNOT_LOOK as error:
        Console(stderr=True, highlight=False).print(str(error) or type(error).__name__, style="red", markup=False, soft_wrap=True)
        raise typer.Exit(BLIND) from None
    if as_json:
        typer.echo(json.dumps(verdict.as_dict(), indent=1, default=str))
    else:
        _show(verdict)
    raise typer.Exit(0 if verdict.is_clean else BROKEN)


async def _audit(wait: float, *, is_whole: bool, is_anew: bool) -> Verdict:
    if is_anew:
        async with open_store() as store:
            if store:
                await store.forget()
    deadline = time.monotonic() + wait
    while True:
        verdict = await audit_once(PATIENCE_SECONDS, is_whole=is_whole)
        if not verdict.in_flight or time.monotonic() >= deadline:
            return verdict
        await asyncio.sleep(LOOK_SECONDS)


async def _show_edge(name: str, minute: datetime | None) -> list[dict[str, Any]]:
    if name in SERVICES:
        return await show_service(name)
    edge = find_edge(name)
    if edge is None:
        names = ", ".join((*(known.group for known in EDGES), *SERVICES))
        raise typer.BadParameter(f"There is no {name}; there are {names}.")
    if minute is None:
        verdict = await audit_once(PATIENCE_SECONDS, is_whole=True)
        stages = [stage.as_dict() for stage in verdict.stages if stage.consumer == edge.group]
        return stages + [finding.as_dict() for finding in verdict.findings if finding.where == edge.name]
    return await show_minute(edge, minute)


def _minute(text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no minute; write it as 2026-11-24T09:30.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).replace(second=0, microsecond=0)


def _print(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        typer.echo(json.dumps(row, default=str))


def _show(verdict: Verdict) -> None:
    console = Console(highlight=False)
    _show_stages(console, verdict)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in list(verdict.as_dict().items())[:6]:
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    for finding in verdict.findings[:SHOWN]:
        console.print(f"[red]{finding.kind}[/red] {_describe(finding)}")
    for row in verdict.dead_by_reason:
        console.print(f"[yellow]dead[/yellow] {row['consumer']}: {row['letters']} {row['reason']} {row['field']}")
    if verdict.dead:
        console.print("See them with [bold]rintis dead-letters list[/bold].")
    if first := verdict.first_broken:
        console.print(f"[red]The first broken link: {first.kind}, {first.stage or first.where}.[/red] {_describe(first)}")
        console.print(f"See more with [bold]{first.command}[/bold]")
    scope = "everything" if verdict.is_whole else "what was touched since the last audit"
    console.print(f"Looked at {scope} in {verdict.took_seconds:.1f} s.")
    console.print(
        "[green]Everything is accounted for.[/green]" if verdict.is_clean else "[red]Not everything is accounted for.[/red]"
    )


def _show_stages(console: Console, verdict: Verdict) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("stage", "consumer", "accounted", "on its way", "where", "since", "missing", "double"):
        table.add_column(name, justify="left" if name in {"stage", "consumer", "where", "since"} else "right")
    for stage in verdict.stages:
        since = f"{stage.since:%Y-%m-%d %H:%M:%S}" if stage.since else ""
        numbers = (f"{stage.accounted:,}", f"{stage.on_its_way:,}")
        table.add_row(stage.stage, stage.consumer, *numbers, stage.at, since, f"{stage.missing:,}", f"{stage.double:,}")
    console.print(table)


def _describe(finding: Finding) -> str:
    since = f" since {finding.since:%Y-%m-%d %H:%M}" if finding.since else ""
    return f"{finding.where}: {finding.events}{since} {finding.detail} {' '.join(finding.ids)}"
