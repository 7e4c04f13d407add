"""The numbers on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

MUST_BE_NONE = ("lost", "doubled", "stuck", "dead")


def show(console: Console, figures: Mapping[str, Any]) -> None:
    """Print rate and ratio, latency, cost, and whether everything is there."""
    _show_rates(console, figures)
    if figures["latency_ms"] or figures["floor_latency_ms"]:
        _show_latency(console, figures)
    for name in ("rintis", "floor"):
        if figures[name]:
            _show_costs(console, name, figures[name])
    if figures["sending"]:
        sending = figures["sending"]
        console.print(f"Sending: {sending['messages']:,} messages, {sending['per_s']:,.0f}/s by one sender process")
    if figures["growth"]:
        _show_growth(console, figures["growth"])
    _show_verdict(console, figures)


def _show_verdict(console: Console, figures: Mapping[str, Any]) -> None:
    for name in MUST_BE_NONE:
        console.print(f"[{'red' if figures[name] else 'green'}]{name} {figures[name]}[/]")
    for found in figures["reconciled"]:
        if found["differences"] or found["findings"] or found["error"]:
            console.print(str(found), style="red", markup=False)


def _show_rates(console: Console, figures: Mapping[str, Any]) -> None:
    table = Table(box=None, title=f"{figures['registrations']:,} registrations a round")
    for name in ("", "registrations/s", "lowest", "highest", "CPU s per 1,000"):
        table.add_column(name, justify="left" if not name else "right")
    for name, rate, span in (("rintis", "per_s", "per_s_range"), ("floor", "floor_per_s", "floor_per_s_range")):
        if figures[rate]:
            cost = figures[name]["cpu_s_per_1000_total"]
            table.add_row(name, *(f"{value:,.0f}" for value in (figures[rate], *figures[span])), f"{cost:.3f}")
    if table.row_count:
        console.print(table)
    if figures["ratio"] is not None:
        console.print(f"Ratio to the floor: [bold]{figures['ratio']:.2f}[/bold]")


def _show_latency(console: Console, figures: Mapping[str, Any]) -> None:
    table = Table(box=None, title="Latency in milliseconds, from the scheduled arrival")
    columns = ("p50", "p90", "p99")
    for name in ("load", *(f"rintis {c}" for c in columns), *(f"floor {c}" for c in columns)):
        table.add_column(name, justify="left" if name == "load" else "right")
    ours, floor = figures["latency_ms"], figures["floor_latency_ms"]
    rows = {f"{load} %": (ours.get(load, {}), floor.get(load, {})) for load in (ours or floor)}
    rows["alone"] = (figures["lone_ms"], figures["floor_lone_ms"])
    for name, pair in rows.items():
        table.add_row(name, *(f"{found[c]:,.0f}" if c in found else "" for found in pair for c in columns))
    console.print(table)
    for name, idle in (("rintis", figures["idle_cores"]), ("floor", figures["floor_idle_cores"])):
        if idle:
            console.print(f"{name} at rest uses {sum(idle.values()):.2f} cores")


def _show_costs(console: Console, name: str, costs: Mapping[str, Any]) -> None:
    table = Table(box=None, title=f"What {name} costs")
    for column in ("process", "CPU s per 1,000", "memory MB"):
        table.add_column(column, justify="left" if column == "process" else "right")
    memory = costs["peak_memory_mb"]
    for process, used in costs["cpu_s_per_1000"].items():
        table.add_row(process, f"{used:.4f}", f"{memory[process]:,}" if process in memory else "")
    console.print(table)
    per = {key: value for key, value in costs.items() if key.endswith("_per_registration")}
    console.print(", ".join(f"{value:,} {key.removesuffix('_per_registration').replace('_', ' ')}" for key, value in per.items()))


def _show_growth(console: Console, growth: Mapping[str, Any]) -> None:
    console.print(f"{growth['registrations']:,} registrations in {growth['seconds']:,.0f} s")
    console.print(f"Rates of each part: {', '.join(f'{rate:,.0f}' for rate in growth['per_s_by_part'])} registrations/s")
    console.print(f"The last part at {growth['last_to_first']} of the rate of the first")
    table = Table(title="CPU seconds per 1,000 registrations, part by part", title_justify="left")
    for heading in ("process", *(str(number + 1) for number in range(len(growth["per_s_by_part"])))):
        table.add_column(heading, justify="right" if heading.isdigit() else "left")
    for name, parts in growth["cpu_s_per_1000_by_part"].items():
        table.add_row(name, *(f"{seconds:.3f}" for seconds in parts))
    console.print(table)
    for name, memory in growth["memory_mb"].items():
        console.print(
            f"{name}: {memory['first']} MB, at last {memory['last']} MB, within {memory['deviation']:.1%} of its median"
        )
    if growth["audit_share"] is not None:
        console.print(f"Audit: {growth['audit_seconds']} s, {growth['audit_share']:.2%} of the time of the registrations")
