"""What an audit found, and how it names it. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts.envelope import hash64

MOST_IDS = 20
"""Ids named per finding: enough to look at, and no page of them."""
KINDS = ("missing", "double", "stuck")


@dataclass
class Finding:
    """One thing that does not add up, or that waits too long."""

    kind: str
    where: str
    events: int
    since: datetime | None = None
    detail: str = ""
    ids: list[str] = field(default_factory=list)
    stage: str = ""
    """What the place is called where people look at it."""
    command: str = ""
    """What shows more."""

    def as_dict(self) -> dict[str, Any]:
        """Return the finding for machines."""
        return {**vars(self), "since": self.since and self.since.isoformat()}


@dataclass
class Stage:
    """One way of events from a topic to a consumer: how many are accounted for, what is on its way, and where it is."""

    stage: str
    consumer: str
    accounted: int
    on_its_way: int = 0
    at: str = ""
    """Where what is on its way is: in the `outbox`, on the `topic`, or behind a `gate`."""
    since: datetime | None = None
    missing: int = 0
    double: int = 0
    stuck: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the stage for machines."""
        return {**vars(self), "since": self.since and self.since.isoformat()}


@dataclass
class Verdict:
    """What an audit found. Anything missing, double or stuck is a failure; what is dead is listed.

    Findings stand in the order in which events flow: the first one is the first broken link.
    """

    accepted: int = 0
    in_flight: int = 0
    dead: int = 0
    findings: list[Finding] = field(default_factory=list)
    dead_by_reason: list[dict[str, Any]] = field(default_factory=list)
    stages: list[Stage] = field(default_factory=list)
    took_seconds: float = 0.0
    is_whole: bool = True
    """Whether everything was looked at, and not only what was touched since an earlier audit."""

    def count(self, kind: str) -> int:
        """Return how many events are of a kind of finding."""
        return sum(finding.events for finding in self.findings if finding.kind == kind)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is missing, double or stuck."""
        return not self.findings

    @property
    def first_broken(self) -> Finding | None:
        """The first broken link in the order of the flow, None where all hold."""
        return self.findings[0] if self.findings else None

    def as_dict(self) -> dict[str, Any]:
        """Return the verdict for machines."""
        kinds = {kind: self.count(kind) for kind in KINDS}
        head = {"accepted": self.accepted, "in_flight": self.in_flight, **kinds, "dead": self.dead}
        return {
            **head,
            "first_broken": self.findings[0].as_dict() if self.findings else None,
            "findings": [finding.as_dict() for finding in self.findings],
            "dead_by_reason": self.dead_by_reason,
            "stages": [stage.as_dict() for stage in self.stages],
            "took_seconds": round(self.took_seconds, 3),
            "is_whole": self.is_whole,
        }


def classify(kind: str) -> str:
    """Return which of the three failures a service's own finding is, by the words of its name."""
    words = set(kind.split("_"))
    if words & {"double", "twice", "miscounted"}:
        return "double"
    return "missing" if words & {"missing", "unproven", "without", "unsaid", "undecided", "unknown"} else "stuck"


def name_ids(on_log: Collection[UUID], difference: int) -> list[UUID]:
    """Return which one or two events of a minute make up a difference of hash sums, nothing where no two do."""
    by_hash = {hash64(id_): id_ for id_ in on_log}
    if difference in by_hash:
        return [by_hash[difference]]
    for hash_, id_ in by_hash.items():
        other = by_hash.get(difference - hash_)
        if other is not None and other != id_:
            return [id_, other]
    return []
