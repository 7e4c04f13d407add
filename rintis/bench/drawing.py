"""Plots of the page, as SVG within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from rintis.chaos.drawing import COLOURS

WIDTH, LINE, LEFT, RIGHT = 960, 24, 170, 90
HEIGHT, TOP, BOTTOM, MARGIN = 240, 22, 40, 60

Curve = Sequence[tuple[float, float]]


def draw_bars(bars: Mapping[str, Sequence[tuple[str, float]]], unit: str) -> str:
    """Return one bar a name, made of named pieces, with its sum at the end. The same piece has one colour in all bars."""
    most = max((sum(value for _, value in pieces) for pieces in bars.values()), default=0.0) or 1.0
    names = list(dict.fromkeys(name for pieces in bars.values() for name, _ in pieces))
    colour = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    parts = []
    for row, (title, pieces) in enumerate(bars.items()):
        y, x = TOP + row * LINE, float(LEFT)
        parts.append(f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(title)}</text>')
        for name, value in pieces:
            width = value / most * (WIDTH - LEFT - RIGHT)
            place = f'x="{x:.1f}" y="{y}" width="{width:.1f}" height="{LINE - 6}"'
            parts.append(f'<rect {place} fill="{colour[name]}"><title>{escape(name)}: {value:.4g} {unit}</title></rect>')
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 15}">{sum(value for _, value in pieces):,.4g}</text>')
    height = TOP + len(bars) * LINE + 6
    return _svg(f'<text x="0" y="12">{escape(unit)}</text>' + "".join(parts), height, unit) + (
        _legend(colour) if len(names) > 1 else ""
    )


def draw_curves(curves: Mapping[str, Curve], unit: str, across: str) -> str:
    """Return named curves with points; both axes begin at 0."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return ""
    right, top = max(x for x, _ in points) or 1.0, max(y for _, y in points) or 1.0

    def at(point: tuple[float, float]) -> tuple[float, float]:
        x = MARGIN + point[0] / right * (WIDTH - MARGIN - 20)
        return x, TOP + (1 - point[1] / top) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<path d="M{MARGIN} {HEIGHT - BOTTOM}H{WIDTH}" stroke="#d0d7de"/>']
    parts += [
        f'<text x="{MARGIN - 6}" y="{at((0, value))[1] + 4:.0f}" text-anchor="end">{value:,.4g}</text>'
        for value in (0.0, top / 2, top)
    ]
    parts.append(f'<text x="{WIDTH}" y="{HEIGHT - 24}" text-anchor="end">{right:,.4g} {escape(across)}</text>')
    for place, (name, curve) in enumerate(curves.items()):
        colour, placed = COLOURS[place % len(COLOURS)], [at(point) for point in curve]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        if len(placed) <= MOST_DOTS:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        parts.append(f'<text x="{MARGIN + place * 160}" y="{HEIGHT - 6}" fill="{colour}">{escape(name)}</text>')
    return _svg(f'<text x="0" y="12">{escape(unit)}</text>' + "".join(parts), HEIGHT, unit)


MOST_DOTS = 60
"""A curve of more points is a line without dots."""


def _svg(content: str, height: int, label: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {height}"'
    return f'<svg {box} role="img" aria-label="{escape(label)}" font-size="12">{content}</svg>'


def _legend(colours: Mapping[str, str]) -> str:
    parts = (f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in colours.items())
    return f'<p class="legend">{"".join(parts)}</p>'
