"""The numbers of a run of the bench, as `--json` prints them and the page draws them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rintis.bench.measuring import Measure
from rintis.bench.reconciling import Reconciled

MEGABYTE = 1 << 20
Percentiles = Mapping[str, float]


@dataclass
class Lag:
    """Latency of one system, in milliseconds: by load in per cent of its top rate, and of single registrations."""

    by_load: dict[str, Percentiles] = field(default_factory=dict)
    lone: Percentiles = field(default_factory=dict)
    idle: Percentiles = field(default_factory=dict)
    """Cores that each process uses while nothing comes in."""


@dataclass
class Outcome:
    """Everything that was measured."""

    count: int
    seed: int
    ours: list[Measure] = field(default_factory=list)
    floor: list[Measure] = field(default_factory=list)
    reconciled: list[Reconciled] = field(default_factory=list)
    latency: Lag = field(default_factory=Lag)
    floor_latency: Lag = field(default_factory=Lag)
    sending: dict[str, float] = field(default_factory=dict)
    growth: dict[str, Any] = field(default_factory=dict)
    grown: Measure | None = None
    profiles: list[str] = field(default_factory=list)
    at: float = 0.0
    """When it began, in seconds since the epoch."""
    commit: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or left standing, and everything came to its end."""
        return all(one.is_clean for one in self.reconciled) and all(one.is_settled for one in self.measures)

    @property
    def measures(self) -> list[Measure]:
        """Everything that had to come to its end."""
        return [*self.ours, *self.floor, *([self.grown] if self.grown else [])]

    def total(self, kind: str) -> int:
        """Return how many events of a kind of failure all rounds had together."""
        return sum(int(getattr(one, kind)) for one in self.reconciled)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers. Without a clean reconciliation there is no rate."""
        ours, floor = (rates(self.ours) if self.is_good else {}), rates(self.floor)
        ratio = round(ours["per_s"] / floor["per_s"], 3) if ours and floor else None
        return {
            "registrations": self.count,
            "seed": self.seed,
            "commit": self.commit,
            "at": self.at,
            "per_s": ours.get("per_s"),
            "per_s_range": ours.get("range"),
            "floor_per_s": floor.get("per_s"),
            "floor_per_s_range": floor.get("range"),
            "ratio": ratio,
            **{kind: self.total(kind) for kind in ("lost", "doubled", "stuck", "dead")},
            "is_good": self.is_good,
            "latency_ms": self.latency.by_load,
            "floor_latency_ms": self.floor_latency.by_load,
            "lone_ms": self.latency.lone,
            "floor_lone_ms": self.floor_latency.lone,
            "idle_cores": rounded(self.latency.idle),
            "floor_idle_cores": rounded(self.floor_latency.idle),
            "sending": self.sending,
            "rintis": costs(self.ours),
            "floor": costs(self.floor),
            "growth": self.growth,
            "profiles": self.profiles,
            "reconciled": [
                {
                    "differences": one.differences,
                    "audit_seconds": one.audit.get("took_seconds"),
                    "findings": one.audit.get("findings", []),
                    "error": one.audit.get("error"),
                }
                for one in self.reconciled
            ],
        }


def rates(measures: Sequence[Measure]) -> dict[str, Any]:
    """Return the median rate and the range."""
    if not measures:
        return {}
    found = sorted(one.per_second for one in measures)
    return {"per_s": round(median(found), 1), "range": [round(found[0], 1), round(found[-1], 1)]}


def costs(measures: Sequence[Measure]) -> dict[str, Any]:
    """Return what a registration costs, the median of all rounds; CPU in seconds per 1,000 by process."""
    if not measures:
        return {}
    cpu = _medians([{name: used * 1000 / one.count for name, used in one.cpu.items()} for one in measures])
    memory = _medians([{name: held / MEGABYTE for name, held in one.memory.items()} for one in measures])
    by_cost = dict(sorted(cpu.items(), key=lambda pair: -pair[1]))
    return {
        "rounds_per_s": [round(one.per_second, 1) for one in measures],
        "cpu_s_per_1000": {name: round(used, 4) for name, used in by_cost.items() if used >= LEAST_CPU},
        "cpu_s_per_1000_total": round(sum(cpu.values()), 4),
        "peak_memory_mb": {name: round(held) for name, held in memory.items()},
        "commits_per_registration": round(median(one.commits / one.count for one in measures), 4),
        "journal_bytes_per_registration": round(median(one.journal_bytes / one.count for one in measures)),
        "kafka_bytes_per_registration": round(median(one.log_bytes / one.count for one in measures)),
    }


def rounded(cores: Mapping[str, float]) -> dict[str, float]:
    """Return what each process uses of a core, the most first; what uses next to nothing is left out."""
    used = sorted(cores.items(), key=lambda pair: -pair[1])
    return {name: round(share, 4) for name, share in used if share >= LEAST_CPU}


LEAST_CPU = 0.0005
"""CPU seconds per 1,000 below which a process is not named."""


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = {name: None for row in rows for name in row}
    return {name: median(row.get(name, 0.0) for row in rows) for name in names}
