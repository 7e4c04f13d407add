"""Whether everything that was published is there, once: by the counts, and by `rintis audit`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass, field
from typing import Any

from rintis.bench.loads import Load
from rintis.bench.rintis_system import RintisSystem
from rintis.runtime.stack import Stack
from rintis.runtime.state import ROOT

AUDIT_WAIT_SECONDS = 60
"""How long the audit may wait until nothing is on its way."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must become of a set of registrations."""

    published: int
    bad: int
    repeats: int

    @property
    def accepted(self) -> int:
        """How many persons register."""
        return self.published - self.bad - self.repeats


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found missing, double or standing. Only where nothing is, a run has a rate."""

    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    dead: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    """Counts that are not what they must be: how many more there are."""
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether everything is there, once. A good event that was set aside is no clean run."""
        return not (self.lost or self.doubled or self.stuck or self.dead or self.differences) and "error" not in self.audit


def weigh(expected: Expected, counts: dict[str, int], audit: dict[str, Any]) -> Reconciled:
    """Compare counts with what must be, and put the audit beside them. Pure."""
    must = {
        "submissions": expected.published,
        "accepted": expected.accepted,
        "refused": expected.bad,
        "duplicates": expected.repeats,
        "decisions": counts["accepted"],
        "registered": counts["accepted"],
        "decided": counts["decisions"],
        "placed": counts["requests"],
        "tasks": counts["reviews"],
    }
    differences = {name: counts[name] - number for name, number in must.items() if counts[name] != number}
    fewer = max((-number for number in differences.values() if number < 0), default=0)
    more = max((number for number in differences.values() if number > 0), default=0)
    return Reconciled(
        lost=max(fewer, audit.get("missing", 0)),
        doubled=max(more, audit.get("double", 0)),
        stuck=audit.get("stuck", 0) + audit.get("in_flight", 0),
        dead=audit.get("dead", 0),
        differences=differences,
        audit=audit,
    )


async def reconcile(system: RintisSystem, load: Load, published: int) -> Reconciled:
    """Count, and audit."""
    counts = {name: value for row in await system.count() for name, value in row.items() if not isinstance(value, bool)}
    bad, repeats = load.outcomes(published)
    return weigh(Expected(published, bad, repeats), counts, await audit(system.stack))


async def audit(stack: Stack, *arguments: str) -> dict[str, Any]:
    """Run `rintis audit` and return what it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rintis", "audit", "--json", "--wait", str(AUDIT_WAIT_SECONDS), *arguments),
        cwd=ROOT,
        env={**os.environ, **stack.variables(), "RINTIS_STATE": str(stack.state.folder)},
        stdout=PIPE,
        stderr=PIPE,
    )
    output, errors = await process.communicate()
    try:
        verdict: dict[str, Any] = json.loads(output)
    except ValueError:
        return {"error": errors.decode(errors="replace")[-500:]}
    return verdict
