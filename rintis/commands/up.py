"""`rintis up` and `rintis down`: everything on one machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.stack import ALL_SERVICES, Options, Stack, clear
from rintis.runtime.state import State

START_SECONDS = 600.0
"""How long `--detach` waits: a first start downloads 60 MB, on whatever line there is."""
STOP_SECONDS = 120.0
"""More than all bounds of an orderly stop together."""
PROBE_SECONDS = 0.2


def up(
    service: Annotated[list[str] | None, typer.Option(help="Start only this service; may be given again.")] = None,
    *,
    processes: Annotated[list[str] | None, typer.Option(help="Run more than one process of a service: eligibility=2.")] = None,
    simulators: Annotated[bool, typer.Option(help="Start the simulators of SMS provider and mail server.")] = True,
    detach: Annotated[bool, typer.Option(help="Return once everything is ready; `rintis down` stops it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as JSON.")] = False,
) -> None:
    """Start Kafka, PostgreSQL and all services on this machine, until Ctrl-C. Exit status: 0 stopped, 1 could not start."""
    state, steps = State.default(), Steps()
    if detach:
        _start_apart(state, sys.argv[1:], steps)
        _show(_addresses(state), steps, as_json=as_json)
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Told to end in whatever way, everything is stopped in order, as on Ctrl-C. `nohup` keeps its meaning.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    with state.hold():
        options = Options(tuple(service or ALL_SERVICES), has_simulators=simulators, processes=read_counts(processes or []))
        stack = Stack(state, options, steps)
        try:
            stack.start()
            state.write("addresses.json", _describe(stack))
            _show(_addresses(state), steps, as_json=as_json)
            threading.Event().wait()
        except KeyboardInterrupt:
            steps.note("Stopping …")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                # The stop is bounded by itself; a second Ctrl-C must not leave processes behind.
                signal.signal(number, signal.SIG_IGN)
            (state.folder / "addresses.json").unlink(missing_ok=True)
            stack.stop()


def down(
    *,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Also delete all databases, topics, logs and keys.")] = False,
) -> None:
    """Stop what `rintis up` has started, and what a killed one has left running."""
    state, steps = State.default(), Steps()
    holder = state.holder()
    if holder is not None:
        with steps.step("Stopping"):
            _end_holder(state, holder)
    with state.hold():
        if left := state.end_leftovers():
            steps.note(f"Ended what was left running: {', '.join(left)}.")
        if delete_data:
            clear(state)
    steps.note("Nothing of Rintis runs from here." if holder is None else "Stopped.")


def read_counts(pairs: list[str]) -> dict[str, int]:
    """Read `eligibility=2`."""
    counts: dict[str, int] = {}
    for pair in pairs:
        name, _, number = pair.partition("=")
        if name not in ALL_SERVICES or not number.isdecimal():
            raise CannotStart(
                f"{pair!r} is no service with a number.", f"One of {', '.join(ALL_SERVICES)}, such as eligibility=2."
            )
        counts[name] = int(number)
    return counts


def _end_holder(state: State, holder: int) -> None:
    os.kill(holder, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while state.holder() == holder:
        if time.monotonic() > deadline:
            raise CannotStart(
                f"Process {holder} did not stop within {STOP_SECONDS:.0f} s.", f"`kill -9 {holder}`, then `rintis down` again."
            )
        time.sleep(PROBE_SECONDS)


def _start_apart(state: State, arguments: list[str], steps: Steps) -> None:
    """Start `rintis up` as a process of its own and wait until everything in it is ready."""
    state.create()
    log = state.logs / "up.log"
    command = [sys.executable, "-m", "rintis", *(part for part in arguments if part not in {"--detach", "--json"})]
    with log.open("wb") as output, steps.step(f"Starting everything (progress in {log})"):
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
        deadline = time.monotonic() + START_SECONDS
        while not (state.folder / "addresses.json").exists():
            if child.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(f"It did not start.\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(PROBE_SECONDS)


def _describe(stack: Stack) -> dict[str, Any]:
    return {
        "console": stack.urls.get("console"),
        "services": stack.urls,
        "kafka": stack.bootstrap,
        "postgres": stack.postgres.url.split("@")[-1].split("/")[0] if stack.postgres else None,
        "received": {name: str(path) for name, path in stack.received.items()},
        "logs": str(stack.state.logs),
        "tokens": str(stack.state.folder / "tokens.json"),
        "variables": str(stack.state.folder / "environment.json"),
    }


def _addresses(state: State) -> dict[str, Any]:
    found: dict[str, Any] = state.read("addresses.json", {})
    return found


def _show(addresses: dict[str, Any], steps: Steps, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(addresses, indent=1))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    if addresses["console"]:
        table.add_row("[bold]Live page[/bold]", f"[bold]{addresses['console']}[/bold]")
    for name, url in addresses["services"].items():
        if name != "console":
            table.add_row(name, f"{url}/docs")
    table.add_row("Kafka", addresses["kafka"])
    for name in ("postgres", "logs", "tokens"):
        if addresses[name]:
            table.add_row({"postgres": "PostgreSQL"}.get(name, f"{name.capitalize()} in"), str(addresses[name]))
    for name, path in addresses["received"].items():
        table.add_row(f"Received {name.upper()}", path)
    steps.console.print(table)
    command = "rintis" if shutil.which("rintis") else Path(sys.prefix) / "bin" / "rintis"
    steps.note(f"Look at the queues with [bold]{command} queues[/bold]; stop with Ctrl-C or [bold]{command} down[/bold].")
