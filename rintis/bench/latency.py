"""How long a registration takes from the moment at which it was to arrive until its last row can be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import UUID

from rintis.bench.feeder import Published
from rintis.bench.loads import Load
from rintis.bench.measuring import Run

SECONDS = 15.0
"""How long each load lasts."""
SETTLING_SECONDS = 1.0
"""Of the beginning of a load that is left out: from rest to the pace."""
LEAST, MOST = 200, 100_000
"""Registrations of one load: enough for a percentile, few enough for memory."""
LONES = 20
LONE_PAUSE_SECONDS = 0.7
"""Between single registrations: everything is idle again, and no timer of the system beats at the same pace."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One load: registrations per second, and how many."""

    percent: int
    per_second: float
    count: int


def plan(percents: Sequence[int], top_rate: float) -> list[Pace]:
    """Return the loads at per cents of a top rate. Pure."""
    paces = ((percent, top_rate * percent / 100) for percent in percents)
    return [Pace(percent, rate, min(max(round(rate * SECONDS), LEAST), MOST)) for percent, rate in paces]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p90, p99 and the largest, each the smallest value that so many do not exceed; in milliseconds. Pure."""
    if not values:
        return {}
    ordered = sorted(values)
    found = {f"p{percent}": ordered[ceil(len(ordered) * percent / 100) - 1] for percent in (50, 90, 99)}
    return {name: round(value * 1000, 2) for name, value in (found | {"max": ordered[-1]}).items()}


async def under_load(run: Run, load: Load, pace: Pace) -> dict[str, Any]:
    """Publish at a pace and return the latencies of those that led to rows."""
    first = run.feeder.published
    published = await run.feeder.publish(pace.count, pace.per_second)
    is_settled = await run.settle()
    skipped = int(pace.per_second * SETTLING_SECONDS)
    due = scheduled(load.ids[first : first + pace.count], published, pace.per_second)
    counted = dict(list(due.items())[skipped if skipped < pace.count // 2 else 0 :])
    waits = await _waits(run, counted)
    return {
        **percentiles(list(waits.values())),
        "p50_by_second": by_second(waits, counted, published.began),
        "per_s": round(pace.per_second, 1),
        "measured": len(waits),
        "generator_late_ms": round(published.late * 1000, 2),
        "is_settled": is_settled,
    }


async def alone(run: Run, load: Load) -> dict[str, float]:
    """Publish registrations one at a time into an idle system and return their latencies."""
    due: dict[UUID, float] = {}
    for _ in range(LONES):
        await asyncio.sleep(LONE_PAUSE_SECONDS)
        first = run.feeder.published
        published = await run.feeder.publish(1, 1.0)
        due |= scheduled(load.ids[first : first + 1], published, 1.0)
    await run.settle()
    return percentiles(list((await _waits(run, due)).values()))


def scheduled(ids: Sequence[UUID], published: Published, per_second: float) -> dict[UUID, float]:
    """Return when each registration was to arrive, in seconds since the epoch. Pure."""
    return {id_: published.began + place / per_second for place, id_ in enumerate(ids)}


def by_second(waits: Mapping[UUID, float], due: Mapping[UUID, float], began: float) -> list[float]:
    """Return the median wait of what was to arrive in each second, in milliseconds: whether a load is borne, or a backlog grows. Pure."""
    seconds: dict[int, list[float]] = {}
    for id_, wait in waits.items():
        seconds.setdefault(int(due[id_] - began), []).append(wait)
    return [percentiles(seconds[second])["p50"] for second in sorted(seconds)]


async def _waits(run: Run, due: Mapping[UUID, float]) -> dict[UUID, float]:
    done = await run.system.done_at(list(due))
    return {id_: at.timestamp() - due[id_] for id_, at in done.items()}
