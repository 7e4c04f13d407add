"""The table at the end of the demo, and the checks of its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

AUDITED = ("accepted", "in_flight", "missing", "double", "stuck", "dead")
"""Counts of the audit that are shown."""
MOST_DIFFERENCES = 20
"""Differences shown; all of them are in the JSON."""


def find_imbalances(numbers: Mapping[str, Any]) -> list[str]:
    """Return which of the table's numbers do not add up."""
    return [
        text
        for text, holds in (
            ("received = accepted + refused + duplicates", _is_received_split(numbers)),
            ("accepted = one decision each", numbers["accepted"] == numbers["decisions"]),
            ("placed <= capacity everywhere", numbers["fullest_incubator_percent"] <= 100),
            ("messages sent = what the simulators received", _is_sent_received(numbers)),
        )
        if not holds
    ]


def show(console: Console, numbers: Mapping[str, Any]) -> None:
    """Print the table, what agrees and what does not, and where to look next."""
    table = Table(title="One compressed day", title_justify="left", show_header=False, pad_edge=False)
    for label, value, detail in _lines(numbers):
        table.add_row(label, f"{value:,}", detail)
    console.print(table)
    console.print(
        f"Rate: [bold]{numbers.get('registrations_per_second', 0):,.0f} registrations/s[/bold] from first record to last decision, "
        f"{numbers.get('cpu_seconds_per_1000', 0):.1f} CPU seconds per 1,000 (all processes, Kafka and PostgreSQL included)."
    )
    _show_agreement(console, numbers)


def _lines(numbers: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    yield "Registrations received", numbers["received"], _listed(numbers["by_door"])
    yield "  accepted", numbers["accepted"], ""
    yield "  refused", numbers["refused"], _listed(numbers["refused_for"])
    yield "  duplicates", numbers["duplicate"], ""
    yield "Lines of layoff lists", numbers["layoff_lines"], ""
    yield "Decisions", numbers["decisions"], _listed(numbers["outcomes"])
    yield "  denied by reason", sum(numbers["denied_for"].values()), _listed(numbers["denied_for"])
    yield "Placements", sum(numbers["seats"].values()), _listed(numbers["seats"])
    yield (
        "  seats held",
        numbers["seats_held"],
        f"of {numbers['seats_there']:,}; fullest {numbers['fullest_incubator_percent']:.0f} %",
    )
    yield "Messages", sum(numbers["messages"].values()), _listed(numbers["messages"])
    yield "  received by simulators", sum(numbers["received_by_simulators"].values()), _listed(numbers["received_by_simulators"])
    yield "Staff tasks", sum(numbers["tasks"].values()), _listed(numbers["tasks"])
    yield "Permits", numbers["permits"], ""
    yield "  filings", sum(numbers["filings"].values()), _listed(numbers["filings"])
    yield "  periods", sum(numbers["periods"].values()), _listed(numbers["periods"])
    yield "  written warnings", numbers["warnings"], ""


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))


def _is_received_split(numbers: Mapping[str, Any]) -> bool:
    return bool(numbers["received"] == numbers["accepted"] + numbers["refused"] + numbers["duplicate"])


def _is_sent_received(numbers: Mapping[str, Any]) -> bool:
    sent = {channel: numbers["messages"].get(f"{channel} sent", 0) for channel in ("sms", "email")}
    return bool(sent == numbers["received_by_simulators"])


def _show_agreement(console: Console, numbers: Mapping[str, Any]) -> None:
    faults = [*numbers["unfinished"], *(f"does not add up: {text}" for text in find_imbalances(numbers)), *numbers["differences"]]
    for fault in faults[:MOST_DIFFERENCES]:
        console.print(fault, style="red", markup=False)
    if len(faults) > MOST_DIFFERENCES:
        console.print(f"… and {len(faults) - MOST_DIFFERENCES:,} more; see --json.", style="red")
    if not faults:
        console.print("[green]✓[/green] The numbers add up, and equal what was foreseen before anything was sent.")
    audit = ", ".join(f"{name.replace('_', ' ')} {numbers['audit'][name]:,}" for name in AUDITED if name in numbers["audit"])
    mark = "[green]✓[/green]" if numbers["is_audit_clean"] else "[red]✗[/red]"
    console.print(f"{mark} rintis audit: {audit}")
    console.print(
        "Look next: [bold]rintis up[/bold] starts everything with the live page; demo-state/demo/manifest.json and "
        "demo-state/received/ in the state folder hold what was foreseen and what people received; docs/publish.md tells how to "
        "send events of your own."
    )
