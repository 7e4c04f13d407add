"""What happened in a run: each fault with the time that the system took to recover, and the figures by kind."""

from __future__ import annotations

from collections.abc import Sequence
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


def by_kind(happened: Sequence[Happened]) -> dict[str, dict[str, Any]]:
    """Return count, and median and worst recovery in seconds, by kind; kinds in alphabetical order."""
    table: dict[str, dict[str, Any]] = {}
    for kind in sorted({one.fault.kind.value for one in happened}):
        of_kind = [one for one in happened if one.fault.kind.value == kind]
        times = [one.recovery for one in of_kind if one.recovery is not None]
        table[kind] = {
            "count": len(of_kind),
            "recovery_median_seconds": round(median(times), 2) if times else None,
            "recovery_worst_seconds": round(max(times), 2) if times else None,
            "not_recovered": len(of_kind) - len(times),
        }
    return table
