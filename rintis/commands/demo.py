"""`rintis demo`: one compressed day, and the proof that it went as it should."""

from __future__ import annotations

import json
import signal
from typing import Annotated

import typer

from rintis.demo.clocked import ClockedStack, Plan
from rintis.demo.play import play_day
from rintis.demo.report import summarise
from rintis.demo.table import find_imbalances, show
from rintis.runtime.progress import Steps
from rintis.runtime.stack import clear
from rintis.runtime.state import State

FOLDER = "demo-state"
"""Within the usual state folder: the demo starts from nothing and leaves what `rintis up` keeps alone."""


def command(
    registrations: Annotated[int, typer.Option(min=10, max=100_000, help="How many registrations publishers send.")] = 5000,
    permits: Annotated[int, typer.Option(min=0, max=20_000, help="How many IOMKI permits there are.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed plays the same day.")] = 1,
    speed: Annotated[
        float, typer.Option(min=1000, help="Business seconds per second; two weeks take 108 s at 10,000.")
    ] = 10_000.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Play one day of registrations and two weeks of reports, and hold the result against what was foreseen.

    Exit status: 0 everything agrees, 1 something differs or could not be started.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    state, steps = State(State.default().folder / FOLDER), Steps()
    with state.hold():
        clear(state)
        stack = ClockedStack(state, Plan(registrations, permits, seed, speed), steps)
        report = play_day(state, stack, steps)
    numbers = summarise(report)
    if as_json:
        typer.echo(json.dumps(numbers, indent=1, default=str))
    else:
        show(steps.console, numbers)
    raise typer.Exit(0 if report.is_good and not find_imbalances(numbers) else 1)
