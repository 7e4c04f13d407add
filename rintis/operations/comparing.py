"""What was said beside what was heard, minute by minute. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rintis.operations.ledger import NONE, Minutes, Sums


@dataclass(frozen=True, slots=True)
class Break:
    """A minute that does not add up, and that nothing on its way explains."""

    minute: datetime
    kind: str
    events: int
    said: Sums
    heard: Sums
    note: str = ""


@dataclass
class Comparison:
    """What became of the minutes of one edge."""

    closed: Minutes = field(default_factory=dict)
    open: Minutes = field(default_factory=dict)
    breaks: list[Break] = field(default_factory=list)
    on_its_way: int = 0
    oldest: datetime | None = None
    """The first minute of which something is on its way, by the events' own time."""


def compare(
    said: Minutes, heard: Minutes, *, closed: Mapping[datetime, Sums], is_exact: Callable[[datetime], bool], flight: int
) -> Comparison:
    """Return which minutes add up, which are open, and which are broken.

    `heard` was read before `said`, so nothing can have been heard that was not yet said. `is_exact` tells whether all
    that a minute holds had passed before `heard` was read; in other minutes up to `flight` events may be missing.
    """
    result = Comparison()
    late: dict[datetime, int] = {}
    for minute in sorted(said.keys() | heard.keys() | closed.keys()):
        one, other = said.get(minute, NONE), heard.get(minute, NONE)
        was = closed.get(minute, NONE)
        if one == other:
            _settle(result, minute, one, was, is_exact=is_exact(minute))
            continue
        if other.events > one.events:
            result.breaks.append(Break(minute, "double", other.events - one.events, one, other))
        elif is_exact(minute):
            result.breaks.append(Break(minute, "missing", max(1, one.events - other.events), one, other))
        else:
            result.open[minute] = one
            late[minute] = one.events - other.events
    _explain(result, late, said, heard, flight)
    result.breaks.sort(key=lambda found: found.minute)
    return result


def _settle(result: Comparison, minute: datetime, sums: Sums, was: Sums, *, is_exact: bool) -> None:
    """Close a minute that adds up, unless it held more when it was closed before: then both sides have lost something."""
    gone = was.events - sums.events
    if gone > 0 or (gone == 0 and was not in (sums, NONE)):
        note = f"this minute was proven with {was.events} events, and {sums.events} of them are left on both sides"
        result.breaks.append(Break(minute, "missing", max(1, gone), was, sums, note))
    elif is_exact:
        result.closed[minute] = sums
    else:
        result.open[minute] = sums


def _explain(result: Comparison, late: Mapping[datetime, int], said: Minutes, heard: Minutes, flight: int) -> None:
    """What is late is on its way as far as so much is on its way; the rest is missing, in the oldest of these minutes."""
    total = sum(late.values())
    result.on_its_way = min(total, flight)
    result.oldest = min(late, default=None)
    lost = total - flight
    for minute in sorted(late) if lost > 0 else ():
        events = min(lost, late[minute])
        note = f"no more than {flight} are on their way" if flight else "nothing is on its way"
        result.breaks.append(Break(minute, "missing", events, said.get(minute, NONE), heard.get(minute, NONE), note))
        lost -= events
        if lost <= 0:
            return


def is_whole(total: Sums, looked_at: Minutes, closed_total: Sums, closed_here: Collection[Sums]) -> bool:
    """Whether the closed minutes that were not looked at make up the rest of a ledger's total."""
    expected = closed_total
    for sums in closed_here:
        expected = Sums(expected.events - sums.events, expected.hash_sum - sums.hash_sum)
    for sums in looked_at.values():
        expected = expected.plus(sums)
    return expected == total
