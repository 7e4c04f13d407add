"""One line for each run of the bench, so that a change's effect can be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT = ("at", "commit", "registrations", "seed", "per_s", "floor_per_s", "ratio", "lost", "doubled", "is_good")


def line_of(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a run. Pure."""
    growth = figures.get("growth") or {}
    return {
        **{name: figures.get(name) for name in KEPT},
        "cpu_s_per_1000": figures["rintis"].get("cpu_s_per_1000_total"),
        "floor_cpu_s_per_1000": figures["floor"].get("cpu_s_per_1000_total"),
        "p50_ms": {load: found.get("p50") for load, found in figures["latency_ms"].items()},
        "p99_ms": {load: found.get("p99") for load, found in figures["latency_ms"].items()},
        "lone_p50_ms": figures["lone_ms"].get("p50"),
        "last_to_first": growth.get("last_to_first"),
    }


def remember(path: Path, figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Add a run to the history and return all of it, the oldest first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line_of(figures)) + "\n")
    return recall(path)


def recall(path: Path) -> list[dict[str, Any]]:
    """Return the runs of a history."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
