"""`rintis audit`: is everything that came in accounted for?"""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from rintis.operations.audit import Audit
from rintis.operations.findings import Verdict
from rintis.operations.log import open_log
from rintis.operations.sources import open_sources

LOOK_SECONDS = 1.0
"""Between two audits while waiting for a system at work to come to rest."""


def command(
    wait: Annotated[float, typer.Option(help="Seconds to wait until nothing is on its way.", min=0)] = 0.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Reconcile what came in with what each service did. Exit status: 0 all accounted for, 1 missing, double or stuck."""
    verdict = asyncio.run(_audit(wait))
    if as_json:
        typer.echo(json.dumps(verdict.as_dict(), indent=1, default=str))
    else:
        _show(verdict)
    raise typer.Exit(0 if verdict.is_clean else 1)


async def _audit(wait: float) -> Verdict:
    deadline = time.monotonic() + wait
    async with open_sources() as sources, open_log(sources.bootstrap) as log:
        while True:
            verdict = await Audit(sources, log).run()
            if not verdict.in_flight or time.monotonic() >= deadline:
                return verdict
            await asyncio.sleep(LOOK_SECONDS)


def _show(verdict: Verdict) -> None:
    console = Console(highlight=False)
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in list(verdict.as_dict().items())[:6]:
        table.add_row(name.replace("_", " "), f"{value:,}")
    console.print(table)
    for finding in verdict.findings[:50]:
        since = f" since {finding.since:%Y-%m-%d %H:%M}" if finding.since else ""
        console.print(
            f"[red]{finding.kind}[/red] {finding.where}: {finding.events}{since} {finding.detail} {' '.join(finding.ids)}"
        )
    for row in verdict.dead_by_reason:
        console.print(f"[yellow]dead[/yellow] {row['consumer']}: {row['letters']} {row['reason']} {row['field']}")
    if verdict.dead:
        console.print("See them with [bold]rintis dead-letters list[/bold].")
    console.print(
        "[green]Everything is accounted for.[/green]" if verdict.is_clean else "[red]Not everything is accounted for.[/red]"
    )
