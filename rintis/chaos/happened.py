"""What happened in a run: each fault with the time that the system took to recover, and the figures by kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rintis.chaos.plan import Fault


@dataclass(frozen=True, slots=True)
class Happened:
    """One fault as it went. `began` and `ended` are seconds since the epoch; `recovery` is None where it took too long."""

    fault: Fault
    began: float
    ended: float
    recovery: float | None
    note: str

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self.fault), "began": self.began, "ended": self.ended, "recovery": self.recovery, "note": self.note}


Recoveries = Mapping[str, Sequence[float | None]]
"""Seconds to recover by kind of fault, one a fault; None where it took too long."""


def recoveries_of(happened: Iterable[Happened]) -> dict[str, list[float | None]]:
    """Return every recovery by kind; kinds in alphabetical order."""
    found: dict[str, list[float | None]] = {}
    for one in sorted(happened, key=lambda one: (one.fault.kind.value, one.began)):
        found.setdefault(one.fault.kind.value, []).append(one.recovery and round(one.recovery, 2))
    return found


def by_kind(recoveries: Recoveries) -> dict[str, dict[str, Any]]:
    """Return count, and median and worst recovery in seconds, by kind."""
    table: dict[str, dict[str, Any]] = {}
    for kind, of_kind in recoveries.items():
        times = [seconds for seconds in of_kind if seconds is not None]
        table[kind] = {
            "count": len(of_kind),
            "recovery_median_seconds": round(median(times), 2) if times else None,
            "recovery_worst_seconds": max(times) if times else None,
            "not_recovered": len(of_kind) - len(times),
        }
    return table
