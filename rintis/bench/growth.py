"""Whether a million registrations go as fast at their end as at their beginning, in the same memory, and how long an audit takes then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

from rintis.bench.feeder import Published
from rintis.bench.measuring import PATIENCE_SECONDS, Run
from rintis.bench.sampling import Sample, cpu_at

WINDOW = 20_000
"""Registrations under way at most: with all of them published at once the first service would run ahead of the last."""
CHUNK = 2_000
LOOK_SECONDS = 0.2
PART = 100_000
"""Registrations whose rate is compared."""
STEADY_FROM = 200_000
"""From here on memory must be flat; of smaller runs from a fifth on."""

Point = tuple[float, float]


@dataclass
class Paced:
    """Publishes as much as is worked off. `series` holds how far the pulse was at which time."""

    run: Run
    count: int
    say: Callable[[str], None] | None = None
    series: list[tuple[float, int]] = field(default_factory=list)

    async def publish(self) -> Published:
        """Publish all of it, never more than a window ahead of what is done."""
        system, feeder = self.run.system, self.run.feeder
        zero = await system.pulse()
        each = zero / feeder.published
        """Rows of the pulse that a registration leads to, as the warm-up has shown."""
        ordered, moved, last = 0, time.monotonic(), zero
        began = time.time()
        self.series.append((began, zero))
        while ordered < self.count:
            pulse = await system.pulse()
            if pulse != last:
                moved, last = time.monotonic(), pulse
            if time.monotonic() - moved > PATIENCE_SECONDS:
                break
            self.series.append((time.time(), pulse))
            done = (pulse - zero) / each
            while ordered < self.count and ordered - done < WINDOW:
                await feeder.publish(min(CHUNK, self.count - ordered))
                ordered += CHUNK
            if self.say:
                self.say(f"{done:,.0f} done")
            await asyncio.sleep(LOOK_SECONDS)
        return Published(began, time.time(), 0.0)

    async def settle(self) -> bool:
        """Wait for the rest, and note how it went."""
        return await self.run.settle(lambda pulse: self.series.append((time.time(), pulse)))

    def done(self, ended: float) -> list[Point]:
        """Return how many registrations were done at which time, the rows of the pulse taken as spread evenly over them."""
        return scale([point for point in self.series if point[0] <= ended], self.count, ended)


def scale(series: Sequence[tuple[float, int]], count: int, ended: float) -> list[Point]:
    """Return a pulse over time as registrations done, so that all are done at the end. Pure."""
    zero, last = series[0][1], series[-1][1]
    unit = count / ((last - zero) or 1)
    points = [(at, (pulse - zero) * unit) for at, pulse in series if pulse < last]
    return [*points, (ended, float(count))]


def part_rates(done: Sequence[Point], count: int) -> list[float]:
    """Return the rate of each part, in registrations per second. Pure."""
    part = min(PART, max(1, count // 10))
    marks = [moment_of(done, number) for number in range(0, count + 1, part)]
    return [round(part / (after - before), 1) for before, after in pairwise(marks) if after > before]


def part_cpu(done: Sequence[Point], count: int, samples: Sequence[Sample]) -> dict[str, list[float]]:
    """Return the CPU seconds per 1,000 registrations of each process in each part. Pure."""
    if not samples:
        return {}
    part = min(PART, max(1, count // 10))
    marks = [cpu_at(samples, moment_of(done, number)) for number in range(0, count + 1, part)]
    return {
        name: [round((after.get(name, 0.0) - before.get(name, 0.0)) * 1000 / part, 4) for before, after in pairwise(marks)]
        for name in sorted(marks[-1], key=lambda name: -marks[-1][name])
    }


def moment_of(done: Sequence[Point], number: float) -> float:
    """Return when so many were done, between two looks by proportion. Pure."""
    before = next((point for point in reversed(done) if point[1] <= 0), done[0])
    if number <= 0:
        # Nothing is done while the first registrations are on their way through four services.
        return before[0]
    for point in done:
        if point[1] >= number:
            share = (number - before[1]) / ((point[1] - before[1]) or 1.0)
            return before[0] + (point[0] - before[0]) * min(max(share, 0.0), 1.0)
        before = point
    return done[-1][0]


def memory_of(samples: Sequence[Sample], since: float, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return each process' memory in megabytes since a moment: at first, at last, and how far it was from its median. Pure."""
    found = {}
    for name in names:
        held = [sample.memory[name] / (1 << 20) for sample in samples if sample.at >= since and name in sample.memory]
        if held:
            middle = median(held)
            found[name] = {
                "first": round(held[0], 1),
                "last": round(held[-1], 1),
                "deviation": round(max(abs(value - middle) for value in held) / middle, 3),
            }
    return found


def summarise(
    done: Sequence[Point], count: int, samples: Sequence[Sample], services: Sequence[str], audits: Mapping[str, float]
) -> dict[str, Any]:
    """Return what growth did to rate, memory and audit. Pure."""
    parts = part_rates(done, count)
    seconds = done[-1][0] - done[0][0]
    steady = moment_of(done, min(STEADY_FROM, count / 5))
    step = max(1, len(done) // 300)
    return {
        "registrations": count,
        "seconds": round(seconds, 1),
        "per_s_by_part": parts,
        "cpu_s_per_1000_by_part": part_cpu(done, count, samples),
        "last_to_first": round(parts[-1] / parts[0], 3) if parts else None,
        "memory_mb": memory_of(samples, steady, services),
        **{f"{name}_seconds": round(took, 3) for name, took in audits.items()},
        "audit_share": round(audits["audit"] / seconds, 5) if "audit" in audits else None,
        "curve": [[round(at - done[0][0], 1), round(number)] for at, number in done[::step]],
    }
