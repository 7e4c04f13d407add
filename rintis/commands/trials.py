"""`rintis trial`: known hard hours, each played against a whole system of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from rintis.commands.bench import leave_other_servers, require_checkout
from rintis.runtime.progress import Steps
from rintis.runtime.stack import clear
from rintis.runtime.state import State

FOLDER = "trial-state"
"""Within the usual state folder: a trial starts from nothing and leaves what `rintis up` keeps alone."""

app = typer.Typer(no_args_is_help=True, help="Play a known hard hour against a system of its own, and count.")

Folder = Annotated[Path | None, typer.Option(help="Where everything of the trial is kept.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same load.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")]


class ListForm(StrEnum):
    """What a list's file is."""

    CSV = "csv"
    XLSX = "xlsx"


class Verdict(Protocol):
    """What a trial found."""

    @property
    def is_good(self) -> bool:
        """Whether all is as it must be."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures."""


@app.command("cutoff")
def play_cutoff(
    permits: Annotated[int, typer.Option(min=10, max=1_000_000, help="Permits that owe a report.")] = 16_000,
    filings: Annotated[int, typer.Option(min=10, max=2_000_000, help="Reports before the cut-off.")] = 20_000,
    minutes: Annotated[float, typer.Option(min=0.1, max=120, help="In how many minutes before it they come.")] = 10.0,
    lead: Annotated[float, typer.Option(min=5, help="Seconds for the start and the permits, before the first report.")] = 240.0,
    seed: Seed = 1,
    *,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Let reports come in the last minutes before a cut-off, and see that each counts for what the broker's clock says.

    Exit status: 0 as it must be; 1 a report counts wrongly, is lost or doubled, or a miss was found too late.
    """
    require_checkout()
    from rintis.trials import cutoff  # noqa: PLC0415 - images have the command line without what trials need

    options = cutoff.Options(permits, filings, minutes, lead, seed)
    _play(folder, lambda state, steps: cutoff.play(state, options, steps), as_json=as_json)


@app.command("burst")
def play_burst(  # noqa: PLR0913 - one parameter an option of the command line
    n: Annotated[int, typer.Option("--n", min=100, max=2_000_000, help="Registrations.")] = 80_000,
    seconds: Annotated[float, typer.Option(min=1, max=3_600, help="In how many seconds they come.")] = 60.0,
    http: Annotated[float, typer.Option(min=0.01, max=0.99, help="Share that comes by HTTP; the rest by Kafka.")] = 0.5,
    items: Annotated[int, typer.Option(min=1, max=1_000, help="Registrations in one call.")] = 1_000,
    seed: Seed = 1,
    *,
    verdicts: Annotated[bool, typer.Option("--verdicts", help="Callers wait for verdicts; else calls are kept first.")] = False,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Let a country register within a minute by HTTP and Kafka at once, and see that all of it is worked off.

    Exit status: 0 as it must be; 1 something was lost or doubled, refused without a time to come back, or the live page stood still.
    """
    require_checkout()
    from rintis.trials import burst  # noqa: PLC0415 - see above

    options = burst.Options(n, seconds, http, items, seed, verdicts)
    _play(folder, lambda state, steps: burst.play(state, options, steps), as_json=as_json)


@app.command("door")
def play_door(  # noqa: PLR0913 - one parameter an option of the command line
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds of each, in turn.")] = 3,
    batched: Annotated[int, typer.Option(min=1, max=1_000_000, help="Registrations in batches, a round.")] = 10_000,
    items: Annotated[int, typer.Option(min=1, max=1_000, help="Registrations in one call.")] = 500,
    singles: Annotated[int, typer.Option(min=1, max=1_000_000, help="Registrations one by one, a round.")] = 1_000,
    clients: Annotated[int, typer.Option(min=1, max=64, help="Calls at once.")] = 4,
    seed: Seed = 1,
    *,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Measure the HTTP door beside a bare endpoint that validates the same bodies and inserts them.

    Batches are kept at once and decided afterwards, as their publisher may prefer; beside them the same with verdicts.
    Exit status: 0 half of the bare rate in kept batches and a tenth of it one by one; 1 less, or something is not there.
    """
    require_checkout()
    from rintis.trials import door  # noqa: PLC0415 - see above

    options = door.Options(rounds, batched, items, singles, clients, seed)
    _play(folder, lambda state, steps: door.play(state, options, steps), as_json=as_json)


@app.command("scale")
def play_scale(
    n: Annotated[int, typer.Option("--n", min=100, max=2_000_000, help="Registrations.")] = 16_000,
    rate: Annotated[float, typer.Option(min=1, max=5_000, help="How many come per second.")] = 300.0,
    sms_ms: Annotated[
        float, typer.Option(min=1, max=1_000, help="What the provider takes for each SMS, in milliseconds.")
    ] = 50.0,
    seed: Seed = 1,
    *,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Add and remove processes under load, then let 1, 2 and 4 processes send by a slow provider.

    Exit status: 0 as it must be; 1 senders send less than nine tenths of what their number promises, or something was lost or doubled.
    """
    require_checkout()
    from rintis.trials import scale  # noqa: PLC0415 - see above

    options = scale.Options(n, rate, sms_ms / 1000, seed)
    _play(folder, lambda state, steps: scale.play(state, options, steps), as_json=as_json)


@app.command("list")
def play_list(
    n: Annotated[int, typer.Option("--n", min=1_000, max=1_048_575, help="Lines; a sheet holds no more.")] = 1_000_000,
    form: Annotated[ListForm, typer.Option("--form", help="What the file is.")] = ListForm.CSV,
    seed: Seed = 1,
    *,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Take in a list of a million people who were laid off, and see that each is there and that memory does not grow with the file.

    Exit status: 0 as it must be; 1 a line is missing or double, or the importer's memory grew.
    """
    require_checkout()
    from rintis.trials import lists  # noqa: PLC0415 - see above

    options = lists.Options(n, lists.Form(form), seed)
    _play(folder, lambda state, steps: lists.play(state, options, steps), as_json=as_json)


def _show(steps: Steps, figures: dict[str, Any]) -> None:
    from rintis.trials.table import show  # noqa: PLC0415 - see above

    show(steps.console, figures)


def _play(folder: Path | None, trial: Callable[[State, Steps], Awaitable[Verdict]], *, as_json: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    leave_other_servers()
    state, steps = State(folder or State.default().folder / FOLDER), Steps()
    with state.hold():
        clear(state)
        try:
            verdict = asyncio.run(_awaited(trial(state, steps)))
        finally:
            state.end_leftovers()
    if as_json:
        typer.echo(json.dumps(verdict.as_dict(), indent=1, default=str))
    else:
        _show(steps, verdict.as_dict())
    raise typer.Exit(0 if verdict.is_good else 1)


async def _awaited(trial: Awaitable[Verdict]) -> Verdict:
    return await trial
