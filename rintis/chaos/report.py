"""The report of chaos runs: one HTML file that needs nothing beside it, verdict first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from rintis.chaos.drawing import draw_throughput
from rintis.chaos.happened import Recoveries, by_kind

COUNTS = (
    "lost",
    "doubled",
    "out_of_order",
    "overbooked",
    "stuck",
    "superseded_messages",
    "duplicate_messages",
    "unexpected_dead_letters",
)
"""What must be 0."""
FIRST = 5
"""So many of them stand in the table of all runs by themselves, the rest as one sum."""
OTHER = "Other: messages that were outdated or sent twice, and good events set aside"
SIMULATORS = "simulator_errors"
"""Where it is not 0, what the simulators say they received proves nothing."""
NOTED = ("unknown_messages",)
"""What is within the promises, and named."""
MISSING = {"first_fault": 1}
"""What a line of the history says where it does not: whole plans were played before there were parts."""
WORDS = {
    "per_second": "Registrations a second",
    "first_fault": "First fault",
    "lost": "Lost",
    "doubled": "Done twice",
    "out_of_order": "Out of order",
    "overbooked": "Overbooked",
    "stuck": "Stuck",
    "superseded_messages": "Messages for a superseded decision",
    "duplicate_messages": "Messages sent twice to one person",
    "unknown_messages": "Messages whose fate nobody can know",
    "simulator_errors": "errors of the simulators themselves, whose word is then worth nothing",
    "unexpected_dead_letters": "Good events set aside as dead letters",
}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #57606a; padding: .3rem 0; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #d0d7de; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.verdict { padding: .8rem 1rem; border-left: .4rem solid; background: #f6f8fa; font-size: 1.1rem; }
.good { border-color: #1a7f37; } .bad { border-color: #cf222e; } td.bad { color: #cf222e; font-weight: 600; }
code { font-size: .85em; overflow-wrap: anywhere; } svg { width: 100%; height: auto; }
"""


@dataclass(frozen=True)
class Story:
    """One run as the report tells it.

    `figures` is what `--json` prints. `faults` have `kind`, `began`, `ended`, `recovery` and `note`. All times are seconds
    since the epoch.
    """

    title: str
    figures: Mapping[str, Any]
    faults: Sequence[Mapping[str, Any]] = ()
    recoveries: Recoveries = field(default_factory=dict)
    taken_at: Sequence[float] = ()
    decided_at: Sequence[float] = ()
    at: float = 0.0
    """When the run began."""

    @property
    def is_clean(self) -> bool:
        """Whether every count that must be 0 was counted, and is."""
        return all(self.figures.get(name) == 0 for name in COUNTS)

    def line(self) -> dict[str, Any]:
        """Return what the history keeps of it."""
        about = ("seed", "per_second", "processes_per_service", "first_fault", "faults", "accepted", "seconds")
        kept = (*about, *COUNTS, *NOTED, SIMULATORS)
        told = {"title": self.title, "at": round(self.at)} | {name: self.figures[name] for name in kept if name in self.figures}
        return told | {"recoveries": self.recoveries}


def write_report(path: Path, stories: Sequence[Story], *, history: Path | None = None) -> None:
    """Write the report of these runs; with a history they are added to it, and all that it holds is summed up."""
    if history is not None:
        history.parent.mkdir(parents=True, exist_ok=True)
        with history.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(story.line()) + "\n" for story in stories)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(stories, _read(history) if history else [story.line() for story in stories]), encoding="utf-8")


def render(stories: Sequence[Story], runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the page: the verdict over all runs, then each of these."""
    parts = [_verdict(stories, runs), _all_runs(runs), _all_kinds(runs), *map(_story, stories)]
    head = f'<meta charset="utf-8"><title>Rintis under faults</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><h1>Rintis under faults</h1>{"".join(parts)}</body></html>\n'


def _verdict(stories: Sequence[Story], runs: Sequence[Mapping[str, Any]]) -> str:
    broken = [WORDS[name].lower() for name in COUNTS if any(story.figures.get(name) != 0 for story in stories)]
    if any(story.figures.get(SIMULATORS) for story in stories):
        broken.append(WORDS[SIMULATORS])
    faults, accepted = (sum(int(run.get(name, 0)) for run in runs) for name in ("faults", "accepted"))
    words = "Everything that is promised held." if not broken else f"Not held, or not counted: {', '.join(broken)}."
    total = f"{len(runs)} run{'s' if len(runs) > 1 else ''} in all, {faults} faults, {accepted} events accepted."
    return f'<p class="verdict {"bad" if broken else "good"}"><strong>{words}</strong><br>{total}</p>'


def _all_runs(runs: Sequence[Mapping[str, Any]]) -> str:
    columns = ("seed", "per_second", "first_fault", "faults", "accepted", *COUNTS[:FIRST])
    rows = [
        [
            _moment(run.get("at", 0)),
            *(run.get(name, MISSING.get(name, "not counted")) for name in columns),
            _sum(run, COUNTS[FIRST:]),
        ]
        for run in runs
    ]
    return "<h2>All runs</h2>" + _table(["began", *(WORDS.get(name, name) for name in columns), "Other"], rows, caption=OTHER)


def _sum(run: Mapping[str, Any], names: Sequence[str]) -> int | str:
    return sum(run[name] for name in names) if all(name in run for name in names) else "not counted"


def _all_kinds(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return the recoveries of all runs together, by kind of fault."""
    recoveries: dict[str, list[float | None]] = {}
    for run in runs:
        for kind, seconds in run.get("recoveries", {}).items():
            recoveries.setdefault(kind, []).extend(seconds)
    ordered = dict(sorted(recoveries.items()))
    return "<h2>All faults</h2>" + _table(KIND_COLUMNS, _by_kind(by_kind(ordered)), caption=RECOVERY) if ordered else ""


def _story(story: Story) -> str:
    parts = [f"<h2>{escape(story.title)}</h2>"]
    if story.taken_at or story.decided_at:
        parts.append(draw_throughput(story.taken_at, story.decided_at, story.faults))
    rows = [[WORDS[name], story.figures.get(name, "not counted")] for name in (*COUNTS, *NOTED)]
    parts.append(_table(["count", "events"], rows, caption="What the oracle found; all but the last must be 0"))
    if found := story.figures.get("found"):
        examples = [[row["kind"], row["what"], row["count"], " · ".join(row["examples"])] for row in found]
        parts.append(_table(["kind", "what", "count", "such as"], examples, caption="Each finding with examples"))
    if kinds := story.figures.get("kinds"):
        parts.append(_table(KIND_COLUMNS, _by_kind(kinds), caption=RECOVERY))
    for name, caption in (("measured", "What was looked at"), ("http_answers", "HTTP answers, and calls without one")):
        if counts := story.figures.get(name):
            parts.append(_table(["what", "count"], [list(pair) for pair in counts.items()], caption=caption))
    if memory := story.figures.get("memory_megabytes"):
        held = [[name, row["first"], row["peak"]] for name, row in memory.items()]
        bound = f", of {figures} that it may have" if (figures := story.figures.get("memory_bound_megabytes")) else ""
        parts.append(_table(["process", "at first", "at most"], held, caption=f"Memory of each process, MiB{bound}"))
    return "".join(parts)


KIND_COLUMNS = ("fault", "count", "median s", "worst s", "not recovered")
RECOVERY = "Recovery: from the end of a fault until what was accepted is decided again at every service that it met"


def _by_kind(kinds: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    columns = ("count", "recovery_median_seconds", "recovery_worst_seconds", "not_recovered")
    return [[kind, *("" if row.get(name) is None else row[name] for name in columns)] for kind, row in kinds.items()]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, caption: str) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    kind = ' class="number"' if isinstance(value, int | float) else ""
    return f"<td{kind}>{escape(str(value))}</td>"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M}" if at else ""


def _read(history: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in history.read_text("utf-8").splitlines() if line.strip()]
