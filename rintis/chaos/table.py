"""The result of a run on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from rintis.chaos.happened import by_kind, recoveries_of
from rintis.chaos.memory import BOUND_MEGABYTES
from rintis.chaos.run import Run

MUST_BE_NONE = ("lost", "doubled", "out_of_order", "overbooked", "stuck")
"""A run is good where these are 0."""


def show(console: Console, run: Run) -> None:
    """Print recovery by kind, then the counts, with examples of what is wrong."""
    table = Table(title=f"Faults of seed {run.options.seed}", box=None)
    for name in ("kind", "count", "median s", "worst s", "not recovered"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, row in by_kind(recoveries_of(run.happened)).items():
        table.add_row(kind, *(str("" if value is None else value) for value in row.values()))
    console.print(table)
    _show_surroundings(console, run)
    counts = run.judgement.as_dict() if run.judgement else {}
    console.print(f"accepted {counts.get('accepted', 0)}")
    for name in MUST_BE_NONE:
        number = counts.get(name, "?")
        console.print(f"[{'green' if number == 0 else 'red'}]{name.replace('_', ' ')} {number}[/]")
    for found in run.judgement.found if run.judgement else ():
        console.print(f"  {found.kind} {found.what}: {found.count}, such as {', '.join(found.examples)}", markup=False)


def _show_surroundings(console: Console, run: Run) -> None:
    """Print what is good to know beside the counts."""
    if run.quiet is not None:
        console.print(f"The same measure without a fault: {run.quiet:.1f} s")
    for slot, memory in (run.memory.as_dict() if run.memory else {}).items():
        console.print(f"{slot}: {memory['first']:.0f} MB at first, {memory['peak']:.0f} MB at most, of {BOUND_MEGABYTES}")
    if run.answers:
        console.print("HTTP answers: " + ", ".join(f"{name} {count} times" for name, count in sorted(run.answers.items())))
    if run.simulator_errors:
        console.print(f"[red]errors of the simulators themselves {run.simulator_errors}[/]: their counts are worth nothing")
    for ended in run.processes_ended:
        console.print(f"{ended.slot} ended by itself with {ended.code}: {ended.reason or 'no reason said'}")
