"""`rintis bench`: how fast, beside the floor, and whether all of it is accounted for."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import signal
from pathlib import Path
from typing import Annotated

import typer

from rintis.commands.up import read_counts
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

FOLDER = "bench-state"
"""Within the usual state folder: a run starts from nothing and leaves what `rintis up` keeps alone."""
OTHERS = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL_", "AUDIT_URL_", "RINTIS_CLOCK", "RINTIS_POLICIES")
"""Variables that would lead to other servers or another time: a run has its own."""
SYSTEMS = ("rintis", "floor")
PAGE = Path("bench-report.html")
HISTORY = "bench-history.jsonl"
"""Beside the page: one line a run."""


def command(  # noqa: PLR0913 - one parameter an option of the command line
    n: Annotated[int, typer.Option("--n", min=100, max=2_000_000, help="How many registrations a round.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Rounds of each of the two, in turn.")] = 3,
    loads: Annotated[str, typer.Option(help="Latency at these per cents of the top rate, or `none`.")] = "10,50,80",
    grow: Annotated[
        int, typer.Option(min=0, max=10_000_000, help="Instead of rounds: one long run over so many, and what growth does to it.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="The same seed generates the same registrations.")] = 1,
    only: Annotated[str, typer.Option(help="Measure only `ours` or only the `floor`.")] = "",
    *,
    processes: Annotated[list[str] | None, typer.Option(help="More than one process of a service: eligibility=2.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where everything of the run is kept.")] = None,
    sending: Annotated[bool, typer.Option(help="Also send the messages of the last round, and print how fast.")] = True,
    profile: Annotated[
        bool, typer.Option(help="Also draw flame graphs of the services by py-spy, in a round of its own.")
    ] = False,
    output: Annotated[Path, typer.Option(help="The page to write; the history of all runs is kept beside it.")] = PAGE,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Measure rate, latency and cost beside the floor, and reconcile every registration with the audit.

    Exit status: 0 everything is there, once; 1 something was lost, doubled or stuck, or it could not be started.
    """
    require_checkout()
    # Images have the command line without the floor, and the rest of it should not be read for every command.
    from rintis.bench.history import remember  # noqa: PLC0415
    from rintis.bench.page import write_page  # noqa: PLC0415
    from rintis.bench.profiling import find_profiler  # noqa: PLC0415
    from rintis.bench.run import Bench, Options  # noqa: PLC0415
    from rintis.bench.table import show  # noqa: PLC0415

    _prepare_process()
    state, steps = State(folder or State.default().folder / FOLDER), Steps()
    options = Options(
        n,
        0 if grow else rounds,
        seed,
        loads=() if grow else read_loads(loads),
        grow=grow,
        profiler=find_profiler() if profile else "",
        systems=read_systems(only),
        processes=read_counts(processes or []),
        is_sending=sending,
    )
    with state.hold():
        outcome = asyncio.run(Bench(state, options, steps).run())
    figures = outcome.as_dict()
    write_page(output, figures, remember(output.with_name(HISTORY), figures))
    steps.note(f"Page: {output}")
    if as_json:
        typer.echo(json.dumps(figures, indent=1))
    else:
        show(steps.console, figures)
    raise typer.Exit(0 if outcome.is_good else 1)


def _prepare_process() -> None:
    """Stop in order when told to end in whatever way; lead to no other servers; be silent about servers that we stop ourselves."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    leave_other_servers()


def require_checkout() -> None:
    """Raise CannotStart where the floor is missing, whose people and incubators measurements share."""
    if importlib.util.find_spec("bench") is None:
        raise CannotStart("The floor is not part of this installation.", "Measure from a checkout.")


def leave_other_servers() -> None:
    """Forget what leads to other servers or another time: a measurement has its own."""
    for name in [name for name in os.environ if name.startswith(OTHERS)]:
        del os.environ[name]


def read_loads(text: str) -> tuple[int, ...]:
    """Read `10,50,80`."""
    if text == "none":
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= 100 for part in parts):
        raise CannotStart(f"{text!r} are no loads.", "Name per cents of the top rate, such as 10,50,80, or `none`.")
    return tuple(int(part) for part in parts)


def read_systems(only: str) -> tuple[str, ...]:
    """Read `ours` or `floor`."""
    known = {"": SYSTEMS, "ours": ("rintis",), "floor": ("floor",)}
    if only not in known:
        raise CannotStart(f"{only!r} cannot be measured.", "Use --only ours or --only floor.")
    return known[only]
