"""`rintis chaos`: faults under load, and the proof that nothing was lost, doubled or put out of order."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from pathlib import Path
from typing import Annotated

import typer

from rintis.chaos.run import Options, play
from rintis.chaos.table import show
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

FOLDER = "chaos-state"
"""Within the usual state folder: a run starts from nothing and leaves what `rintis up` keeps alone."""


def command(
    faults: Annotated[int, typer.Option(min=0, max=10_000, help="How many faults to play.")] = 50,
    seed: Annotated[int | None, typer.Option(help="The same seed plays the same faults; without one a seed is drawn.")] = None,
    rate: Annotated[
        float, typer.Option(min=1, max=5_000, help="Registrations per second, with permits and reports beside them.")
    ] = 300,
    duration: Annotated[float | None, typer.Option(min=1, help="Seconds after which no further fault begins.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where everything of the run is kept.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Break a running system in every way we know while it works, then count.

    Exit status: 0 nothing is lost, doubled, out of order, overbooked or stuck; 1 something is, or it could not be started.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    state, steps = State(folder or State.default().folder / FOLDER), Steps()
    steps.note(f"Seed {seed}: `rintis chaos --seed {seed} --faults {faults}` plays the same faults again.")
    with state.hold():
        run = asyncio.run(play(state, Options(faults, seed, rate, duration), steps))
    if as_json:
        typer.echo(json.dumps(run.as_dict(), indent=1))
    else:
        show(steps.console, run)
    raise typer.Exit(0 if run.is_good else 1)
