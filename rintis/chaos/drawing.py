"""Curves for the report, as SVG within the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 960, 240, 48, 18, 26
COLOURS = ("#0969da", "#1a7f37", "#8250df", "#bc4c00", "#bf3989", "#4d2d00", "#6e7781", "#0a3069", "#116329", "#953800")
MOST_POINTS = 320
"""Points of a curve: one every three pixels."""

Line = Sequence[tuple[float, float]]


def draw_throughput(taken_at: Sequence[float], decided_at: Sequence[float], faults: Sequence[Mapping[str, Any]]) -> str:
    """Return curves of events taken and of decisions per second, with the time of each fault shaded."""
    times = [*taken_at, *decided_at]
    step = max(1.0, (max(times) - min(times)) / MOST_POINTS)
    lines = {"events taken": per_second(taken_at, step), "decisions": per_second(decided_at, step)}
    return draw_lines({name: line for name, line in lines.items() if line}, "per second", faults)


def per_second(times: Sequence[float], step: float) -> list[tuple[float, float]]:
    """Return how many times lie in each step, as a rate; steps in which nothing came are 0."""
    counts = Counter(int(at // step) for at in times)
    if not counts:
        return []
    return [(place * step, counts[place] / step) for place in range(min(counts), max(counts) + 1)]


def draw_lines(lines: Mapping[str, Line], unit: str, faults: Sequence[Mapping[str, Any]] = ()) -> str:
    """Return named curves over time with their scale; faults are bands, named where the pointer rests on one."""
    points = [point for line in lines.values() for point in line]
    if not points:
        return ""
    start, end = min(at for at, _ in points), max(at for at, _ in points)
    top = max(value for _, value in points) or 1.0

    def x(at: float) -> float:
        return LEFT + (min(max(at, start), end) - start) / ((end - start) or 1.0) * (WIDTH - LEFT)

    def y(value: float) -> float:
        return TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM)

    parts = [_band(fault, x) for fault in faults]
    parts += [f'<text x="{LEFT - 6}" y="{y(v) + 4:.0f}" text-anchor="end">{v:.0f}</text>' for v in (0.0, top / 2, top)]
    parts.append(f'<path d="M{LEFT} {y(0):.1f}H{WIDTH}" stroke="#d0d7de"/>')
    parts.append(f'<text x="{WIDTH}" y="{HEIGHT - 8}" text-anchor="end">{end - start:.0f} s</text>')
    for place, (name, line) in enumerate(lines.items()):
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{LEFT + place % 6 * 150}" y="{HEIGHT - 8 + place // 6 * 14}" fill="{colour}">{escape(name)}</text>'
        )
    size = f'viewBox="0 0 {WIDTH} {HEIGHT + len(lines) // 7 * 14}"'
    label = escape(f"{', '.join(lines)}: {unit}")
    return f'<svg {size} role="img" aria-label="{label}" font-size="11"><text x="0" y="10">{unit}</text>{"".join(parts)}</svg>'


def _band(fault: Mapping[str, Any], x: Any) -> str:
    began, width = x(fault["began"]), max(1.5, x(fault["ended"]) - x(fault["began"]))
    name = escape(f"{fault['kind']} {fault.get('note') or ''}".strip())
    place = f'x="{began:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}"'
    return f'<rect {place} fill="#cf222e" opacity=".18"><title>{name}</title></rect>'
