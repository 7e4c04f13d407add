"""The page of a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from rintis.bench.drawing import draw_bars, draw_curves
from rintis.chaos.report import STYLE

OWN_STYLE = """
.legend span { margin-right: 1rem; } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
"""
SYSTEMS = ("rintis", "floor")


def write_page(path: Path, figures: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> None:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(figures, history), encoding="utf-8")


def render(figures: Mapping[str, Any], history: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: the verdict, then rate, latency, cost, growth, and all runs so far."""
    parts = [_verdict(figures), _rates(figures), _latency(figures), _costs(figures), _growth(figures), _history(history)]
    head = f'<meta charset="utf-8"><title>How fast Rintis is</title><style>{STYLE}{OWN_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>How fast Rintis is</h1>{"".join(parts)}</body></html>\n'


def _verdict(figures: Mapping[str, Any]) -> str:
    wrong = [f"{figures[name]} {name}" for name in ("lost", "doubled", "stuck", "dead") if figures[name]]
    if wrong or not figures["is_good"]:
        words = f"No rate: {', '.join(wrong) or 'not everything came to its end'}."
    elif figures["ratio"] is not None:
        words = f"{figures['per_s']:,.0f} registrations/s, {figures['ratio']:.2f} of the floor. Nothing lost, nothing doubled."
    else:
        words = "Nothing lost, nothing doubled." if figures["rintis"] or figures["growth"] else "The floor alone."
    measured = f"{_moment(figures['at'])}, {figures['registrations']:,} registrations a round, {escape(figures['commit'])}"
    return f'<p class="verdict {"good" if figures["is_good"] else "bad"}"><strong>{words}</strong><br>{measured}</p>'


def _rates(figures: Mapping[str, Any]) -> str:
    rounds = {name: figures[name].get("rounds_per_s", []) for name in SYSTEMS}
    bars = {f"{name}, round {n}": [(name, rate)] for name in SYSTEMS for n, rate in enumerate(rounds[name], 1)}
    return f"<h2>Rate</h2>{draw_bars(bars, 'registrations/s')}" if bars else ""


def _latency(figures: Mapping[str, Any]) -> str:
    ours, floor = figures["latency_ms"], figures["floor_latency_ms"]
    curves = {
        f"{name} {percentile}": [(float(load), found[percentile]) for load, found in loads.items() if percentile in found]
        for name, loads in (("rintis", ours), ("floor", floor))
        for percentile in ("p50", "p99")
    }
    if not any(curves.values()):
        return ""
    rows = [
        [f"{load} %", *(found.get(c, "") for found in (ours.get(load, {}), floor.get(load, {})) for c in COLUMNS)]
        for load in (ours or floor)
    ]
    rows.append(["alone", *(found.get(c, "") for found in (figures["lone_ms"], figures["floor_lone_ms"]) for c in COLUMNS)])
    heads = ["load", *(f"{name} {column}" for name in SYSTEMS for column in COLUMNS)]
    plot = draw_curves({name: curve for name, curve in curves.items() if curve}, "milliseconds", "% of the top rate")
    return f"<h2>Latency from the scheduled arrival</h2>{plot}{_table(heads, rows)}"


COLUMNS = ("p50", "p90", "p99", "per_s")


def _costs(figures: Mapping[str, Any]) -> str:
    measured = {name: figures[name] for name in SYSTEMS if figures[name]}
    if not measured:
        return ""
    bars = {name: list(costs["cpu_s_per_1000"].items()) for name, costs in measured.items()}
    rows = [
        [key.replace("_", " "), *(costs.get(key, "") for costs in measured.values())]
        for key in ("commits_per_registration", "journal_bytes_per_registration", "kafka_bytes_per_registration")
    ]
    memory = {
        f"{name}: {process}": [(process, held)] for name, c in measured.items() for process, held in c["peak_memory_mb"].items()
    }
    plots = draw_bars(bars, "CPU seconds per 1,000 registrations") + _table(["", *measured], rows)
    return f"<h2>What a registration costs</h2>{plots}<h2>Memory at its peak</h2>{draw_bars(memory, 'MB')}"


def _growth(figures: Mapping[str, Any]) -> str:
    growth = figures["growth"]
    if not growth:
        return ""
    rates = [(float(number + 1), rate) for number, rate in enumerate(growth["per_s_by_part"])]
    rows = [[name, memory["first"], memory["last"], f"{memory['deviation']:.1%}"] for name, memory in growth["memory_mb"].items()]
    said = f"The last part went at {growth['last_to_first']} of the rate of the first; the audit took {growth.get('audit_seconds')} s."
    plots = draw_curves({"rintis": rates}, "registrations/s", "parts")
    plots += draw_curves({"done": [(at, done) for at, done in growth["curve"]]}, "registrations done", "s")
    return f"<h2>Growth</h2><p>{said}</p>{plots}{_table(['service', 'MB at first', 'MB at last', 'from its median'], rows)}"


def _history(history: Sequence[Mapping[str, Any]]) -> str:
    runs = [run for run in history if run.get("ratio") is not None]
    curve = {"ratio to the floor": [(float(number), run["ratio"]) for number, run in enumerate(runs, 1)]}
    columns = ("commit", "registrations", "per_s", "floor_per_s", "ratio", "cpu_s_per_1000", "lone_p50_ms", "lost", "doubled")
    rows = [[_moment(run["at"]), *("" if run.get(name) is None else run[name] for name in columns)] for run in history]
    return f"<h2>All runs</h2>{draw_curves(curve, 'ratio', 'runs') if runs else ''}{_table(['at', *columns], rows)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    if isinstance(value, int | float):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{escape(str(value))}</td>"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
