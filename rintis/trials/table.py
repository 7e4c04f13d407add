"""A trial's verdict on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


def show(console: Console, verdict: Mapping[str, Any]) -> None:
    """Print every figure in a line of its own."""
    table = Table(show_header=False, box=None)
    for name, value in verdict.items():
        if name == "audit" and isinstance(value, Mapping):
            value = {key: part for key, part in value.items() if isinstance(part, int | float | str)}  # noqa: PLW2901 - shortened
        if name != "is_good":
            table.add_row(name.replace("_", " "), _text(value))
    console.print(table)
    console.print("[green]As it must be.[/green]" if verdict["is_good"] else "[red]Not as it must be.[/red]")


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {_text(part)}" for key, part in value.items() if not isinstance(part, Mapping))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
