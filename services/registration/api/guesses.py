"""Bounds guessing of access codes: a ticket, and the whole door, take so many wrong answers in a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

WINDOW_SECONDS = 900.0
"""A quarter of an hour."""
MOST_PER_TICKET = 10
"""Slips of a person; at this rate 31^8 codes take millions of years."""
MOST_AT_ALL = 2_000
"""Wrong answers of the whole process: bounds a search over tickets. Above it the door rests for everybody."""
MOST_TICKETS = 50_000
"""Tickets remembered; bounds memory."""


@dataclass
class _Window:
    start: float
    wrong: int = 0


@dataclass
class Guesses:
    """Counts wrong answers in memory; each process counts for itself, so the bounds hold per process."""

    clock: Callable[[], float] = time.monotonic
    _tickets: OrderedDict[str, _Window] = field(default_factory=OrderedDict)
    _all: _Window = field(default_factory=lambda: _Window(0.0))

    def is_open(self, ticket: str) -> bool:
        """Return whether one more answer may be tried for this ticket."""
        at_all = self._current(self._all)
        mine = self._tickets.get(ticket)
        return at_all.wrong < MOST_AT_ALL and (mine is None or self._current(mine).wrong < MOST_PER_TICKET)

    def note_wrong(self, ticket: str) -> None:
        """Count a wrong answer, whether or not there is such a ticket."""
        self._current(self._all).wrong += 1
        window = self._tickets.pop(ticket, None) or _Window(self.clock())
        self._current(window).wrong += 1
        self._tickets[ticket] = window
        if len(self._tickets) > MOST_TICKETS:
            self._tickets.popitem(last=False)

    def _current(self, window: _Window) -> _Window:
        now = self.clock()
        if now - window.start >= WINDOW_SECONDS:
            window.start, window.wrong = now, 0
        return window
