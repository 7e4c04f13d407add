"""What a run of the demo came to, and its numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rintis.demo.manifest import Manifest
from rintis.demo.observed import Observed


@dataclass(slots=True)
class Report:
    """What the demo came to. `differences` is empty where everything is as foreseen."""

    manifest: Manifest
    seen: Observed
    differences: list[str]
    audit: dict[str, Any]
    is_audit_clean: bool
    measures: dict[str, float] = field(default_factory=dict)
    unfinished: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Return whether everything agrees."""
        return not self.differences and not self.unfinished and self.is_audit_clean


def summarise(report: Report) -> dict[str, Any]:
    """Return the end table as plain data."""
    seen = report.seen
    registrations = [row for row in seen.submissions if row["kind"] == "registration"]
    verdicts = Counter(row["verdict"] for row in registrations)
    outcomes = Counter(f"{row['outcome']} {row['review']}".strip() for row in seen.decisions)
    messages: Counter[str] = Counter()
    for row in seen.messages:
        messages[f"{row['channel'] or 'no channel'} {row['state']}"] += row["messages"]
    return {
        "received": len(registrations),
        "by_door": dict(Counter(row["door"] for row in registrations)),
        **{verdict: verdicts[verdict] for verdict in ("accepted", "refused", "duplicate")},
        "refused_for": dict(Counter(code for row in registrations for code in row["reasons"])),
        "layoff_lines": sum(row["kind"] == "layoff" for row in seen.submissions),
        "decisions": len(seen.decisions),
        "outcomes": dict(outcomes),
        "denied_for": dict(Counter(code for row in seen.decisions if row["outcome"] == "denied" for code in row["reasons"])),
        "seats": dict(Counter(row["seat"] for row in seen.decisions if row["seat"])),
        "seats_held": sum(row["held"] for row in seen.incubators),
        "seats_there": sum(row["seats"] for row in seen.incubators),
        "fullest_incubator_percent": max((100 * row["held"] / row["seats"] for row in seen.incubators), default=0),
        "messages": dict(messages),
        "received_by_simulators": {channel: counts.total() for channel, counts in seen.received.items()},
        "tasks": {f"{row['state']} {row['outcome']}".strip(): row["tasks"] for row in seen.tasks},
        "permits": len({row["permit_id"] for row in seen.periods}),
        "filings": dict(Counter(row["state"] for row in seen.filings)),
        "periods": dict(Counter(row["state"] for row in seen.periods)),
        "warnings": sum(row["warning"] > 0 for row in seen.periods),
        "audit": report.audit,
        "is_audit_clean": report.is_audit_clean,
        "differences": report.differences,
        "unfinished": report.unfinished,
        **report.measures,
    }
