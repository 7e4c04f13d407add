"""`rintis queues`: what waits, where, and for how long."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from rintis.operations.log import Log, open_log
from rintis.operations.queues import Queue, as_rows, read_queues
from rintis.operations.sources import Sources, open_sources

WATCH_SECONDS = 2.0
"""Between two looks with --watch: often enough to see movement, cheap enough to leave running."""


def command(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the queues as JSON; with --watch one line a look.")] = False,
) -> None:
    """Show every queue: waiting, age of the oldest, rate, time to drain, parked, dead."""
    try:
        asyncio.run(_show(watch=watch, as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _show(*, watch: bool, as_json: bool) -> None:
    async with open_sources() as sources, open_log(sources.bootstrap) as log:
        if as_json:
            await _print_json(sources, log, watch=watch)
        elif watch:
            await _watch(sources, log)
        else:
            Console().print(_table(await read_queues(sources, log)))


async def _print_json(sources: Sources, log: Log, *, watch: bool) -> None:
    """Print past rich: its live display would break a long line."""
    while True:
        typer.echo(json.dumps(as_rows(await read_queues(sources, log)), indent=None if watch else 1))
        if not watch:
            return
        await asyncio.sleep(WATCH_SECONDS)


async def _watch(sources: Sources, log: Log) -> None:
    with Live(console=Console(), auto_refresh=False, screen=True) as live:
        while True:
            live.update(_table(await read_queues(sources, log)), refresh=True)
            await asyncio.sleep(WATCH_SECONDS)


def _table(queues: list[Queue]) -> Table:
    table = Table(box=None, header_style="bold")
    for name in ("queue", "consumer"):
        table.add_column(name)
    for name in ("waiting", "oldest", "per second", "empty in", "parked", "held", "dead"):
        table.add_column(name, justify="right")
    for queue in queues:
        drain = "-" if queue.drain_seconds is None else in_words(queue.drain_seconds)
        numbers = (f"{queue.waiting:,}", in_words(queue.oldest_seconds), f"{queue.per_second:,.1f}", drain)
        style = "red" if queue.held or queue.dead else "yellow" if queue.parked else ""
        table.add_row(
            queue.name, queue.consumer, *numbers, f"{queue.parked:,}", f"{queue.held:,}", f"{queue.dead:,}", style=style
        )
    return table


def in_words(seconds: float) -> str:
    """Return a span of time as people say it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
