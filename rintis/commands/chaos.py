"""`rintis chaos`: faults under load, and the proof that nothing was lost, doubled or put out of order."""

from __future__ import annotations

import json
import logging
import secrets
import signal
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from rintis.chaos.report import write_report
from rintis.chaos.run import Options, play
from rintis.chaos.scenarios import Scenario, play_scenario
from rintis.chaos.table import show
from rintis.chaos.telling import tell
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

FOLDER = "chaos-state"
"""Within the usual state folder: a run starts from nothing and leaves what `rintis up` keeps alone."""
OUTAGES = ("kafka", "postgres")
REPORT = Path("chaos-report.html")
HISTORY = "chaos-history.jsonl"
"""Beside the report: one line a run."""


def command(  # noqa: PLR0913 - one parameter an option of the command line
    faults: Annotated[int | None, typer.Option(min=0, max=10_000, help="How many faults; 50, or none beside an outage.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same faults; without one a seed is drawn.")] = None,
    rate: Annotated[
        float, typer.Option(min=1, max=5_000, help="Registrations per second; permits and reports come on top.")
    ] = 300,
    duration: Annotated[float | None, typer.Option(min=1, help="Seconds after which no further fault begins.")] = None,
    outage: Annotated[
        list[str] | None, typer.Option(help="A server away for so many seconds first: kafka=600, postgres=180.")
    ] = None,
    scenario: Annotated[
        Scenario | None, typer.Option(help="Damage that must be named, instead of faults that must heal.")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="Where everything of the run is kept.")] = None,
    *,
    first: Annotated[
        int, typer.Option("--from", min=1, help="Number of the plan's fault to begin with, to play it in parts.")
    ] = 1,
    processes: Annotated[
        int, typer.Option(min=1, max=2, help="Processes of each service beside the one that comes and goes.")
    ] = 2,
    report: Annotated[Path, typer.Option(help="The page to write; runs written there before are added up.")] = REPORT,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Break a running system in every way we know while it works, then count.

    Exit status: 0 nothing is lost, doubled, out of order, overbooked or stuck, and memory stayed under its bound; 1 something is, or it
    could not be started.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    # Clients of servers that we stop ourselves have nothing new to say, and producers that are thrown away leave their waiters behind.
    for name in ("aiokafka", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    state, steps = State(folder or State.default().folder / FOLDER), Steps()
    steps.note(f"Seed {seed}: with `--seed {seed}` and the same number of faults the same plan is played again.")
    outages = read_outages(outage or [])
    if faults is None:
        faults = 0 if outages else 50
    if first > max(faults, 1):
        raise CannotStart(f"--from {first} is beyond the {faults} faults of the plan.", "Name one of them, or more faults.")
    with state.hold():
        if scenario is not None:
            outcome = uvloop.run(play_scenario(state, scenario, steps, per_second=rate, seed=seed))
            typer.echo(json.dumps(outcome.as_dict(), indent=1))
            raise typer.Exit(0 if outcome.is_good else 1)
        options = Options(faults, seed, rate, duration, members=processes, outages=outages, first=first)
        run = uvloop.run(play(state, options, steps))
    write_report(report, [tell(run, state.folder / "load")], history=report.with_name(HISTORY))
    steps.note(f"Report: {report}")
    if as_json:
        typer.echo(json.dumps(run.as_dict(), indent=1))
    else:
        show(steps.console, run)
    raise typer.Exit(0 if run.is_good else 1)


def read_outages(pairs: list[str]) -> dict[str, float]:
    """Read `kafka=600`."""
    outages: dict[str, float] = {}
    for pair in pairs:
        server, _, seconds = pair.partition("=")
        if server not in OUTAGES or not seconds.replace(".", "", 1).isdecimal():
            raise CannotStart(f"{pair!r} is no outage.", "Name a server and seconds: kafka=600 or postgres=180.")
        outages[server] = float(seconds)
    return outages
