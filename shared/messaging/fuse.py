"""Too much set aside at once is a fault of ours and not of the records: the consumer stops before tables fill."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.errors import RintisError
from shared.messaging.items import Item, Key
from shared.messaging.limits import Limits
from shared.messaging.outcomes import DeadLetter, Handled, RetryLater
from shared.telemetry import metrics

SHARE = "too_much_set_aside"
GATES = "gates_full"


class Blown(RintisError):
    """More of a topic was set aside than may be; the batch is rolled back and the topic is not read on."""

    def __init__(self, topic: str, reason: str, *, records: int, set_aside: int) -> None:
        super().__init__(f"{topic}: {reason}, {set_aside} of {records}")
        self.topic = topic
        self.reason = reason
        self.records = records
        self.set_aside = set_aside


@dataclass(slots=True)
class _Second:
    at: int
    records: int = 0
    set_aside: int = 0


class Fuse:
    """Counts one consumer's records per topic over a window of real time, and those that failed by our own doing.

    The count is kept per topic, since an intake topic belongs to one publisher: what makes our code fail on one publisher's
    records stops nobody else's. Contract breaks of intake are not counted: they are the publisher's, they harm nobody, and
    whoever sends them must not be able to stop even its own good records.
    """

    def __init__(self, limits: Limits, *, is_intake: bool, now: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._is_intake = is_intake
        self._now = now
        self._seconds: dict[str, deque[_Second]] = defaultdict(deque)
        self._forced_until: dict[str, float] = {}

    def check(self, items: Iterable[Item]) -> None:
        """Raise Blown where these records would take a topic beyond the limit. Called before the commit."""
        limits, items = self._limits, list(items)
        if not _set_aside(items):
            return
        for topic, (count, failed) in self._tally(items).items():
            before = self._window(topic)
            records = count + sum(second.records for second in before)
            set_aside = failed + sum(second.set_aside for second in before)
            is_forced = self._now() < self._forced_until.get(topic, 0.0)
            if failed and not is_forced and set_aside > limits.set_aside_records and set_aside > limits.set_aside_share * records:
                raise Blown(topic, SHARE, records=records, set_aside=set_aside)

    def note(self, consumer: str, items: Iterable[Item]) -> None:
        """Remember records. Called after the commit."""
        at = int(self._now())
        items = list(items)
        for topic, (count, failed) in self._tally(items).items():
            window = self._window(topic)
            if not window or window[-1].at != at:
                window.append(_Second(at))
            window[-1].records += count
            window[-1].set_aside += failed
        if not (aside := _set_aside(items)):
            return
        for (topic, kind), count in Counter((item.record.topic, self._kind(item)) for item in aside).items():
            if kind:
                metrics.SET_ASIDE.labels(consumer, topic, kind).inc(count)

    def reset(self, topic: str, *, is_forced: bool = False) -> None:
        """Forget a topic: it goes on. Forced, nothing of it counts for `forced_seconds`."""
        self._seconds.pop(topic, None)
        if is_forced:
            self._forced_until[topic] = self._now() + self._limits.forced_seconds

    def _window(self, topic: str) -> deque[_Second]:
        window = self._seconds[topic]
        while window and window[0].at <= self._now() - self._limits.set_aside_seconds:
            window.popleft()
        return window

    def _tally(self, items: Iterable[Item]) -> dict[str, tuple[int, int]]:
        # What an operator has put back is judged by the redrive's own limit.
        items = [item for item in items if item.redriven is None]
        topics = [item.record.topic for item in items]
        set_aside: dict[str, int] = dict.fromkeys(topics, 0)
        waiting: set[Key] = set()
        for item in _set_aside(items):
            if self._kind(item) == "ours" and item.lane not in waiting:
                set_aside[item.record.topic] += 1
                # A key's followers wait with it: they are no failures of their own.
                waiting |= {item.lane} if isinstance(item.outcome, RetryLater) else set()
        return {topic: (topics.count(topic), failed) for topic, failed in set_aside.items()}

    def _kind(self, item: Item) -> str:
        """Return whose doing it is that a record was set aside; empty for one that was not."""
        if isinstance(item.outcome, DeadLetter):
            return "publisher" if self._is_intake and item.received is None else "ours"
        return "ours" if isinstance(item.outcome, RetryLater) and not item.outcome.is_expected else ""


def _set_aside(items: Iterable[Item]) -> list[Item]:
    """Leave out what was handled, which is nearly all there is."""
    return [item for item in items if not isinstance(item.outcome, Handled)]
