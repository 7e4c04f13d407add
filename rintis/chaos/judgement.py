"""What the oracle found: troubles by kind, counted apart and with named examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "lost",
    "doubled",
    "out_of_order",
    "overbooked",
    "stuck",
    "superseded_messages",
    "duplicate_messages",
    "unknown_messages",
    "unexpected_dead_letters",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
HARMLESS: frozenset[Kind] = frozenset({"unknown_messages"})
"""Named and counted, and within what is promised: an e-mail whose fate nobody can know."""
EXAMPLES = 5
"""Ids that are named per trouble."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is not as it must be. `what` is a code, `id` an id of ours or a place on a topic, never a personal datum."""

    kind: Kind
    what: str
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """All troubles of one code."""

    kind: Kind
    what: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as a line for people."""
        return f"{self.kind} {self.what}: {self.count}, such as {', '.join(self.examples[:2])}"


@dataclass(frozen=True)
class Judgement:
    """The result of one reconciliation."""

    accepted: int
    """Events from outside that were acknowledged, each counted once."""
    found: Sequence[Found] = ()
    measured: dict[str, int] = field(default_factory=dict)
    """What was looked at: records, registrations, decisions, messages; so that a clean result of nothing is seen to be one."""
    decided_at: Sequence[int] = ()
    """Seconds since the epoch at which decisions came onto their topic, one per decision."""

    def count(self, kind: Kind) -> int:
        """Return how many troubles of a kind there are."""
        return sum(found.count for found in self.found if found.kind == kind)

    @property
    def is_clean(self) -> bool:
        """Whether everything that is promised held."""
        return not any(self.count(kind) for kind in KINDS if kind not in HARMLESS)

    def as_dict(self) -> dict[str, Any]:
        """Return counts and examples, for JSON."""
        counts: dict[str, int] = {kind: self.count(kind) for kind in KINDS}
        found = [{"kind": f.kind, "what": f.what, "count": f.count, "examples": list(f.examples)} for f in self.found]
        return {"accepted": self.accepted, **counts, "found": found, "measured": self.measured}


def gather(troubles: Iterable[Trouble]) -> list[Found]:
    """Return troubles by kind and code, each with its first examples."""
    counts: Counter[tuple[Kind, str]] = Counter()
    examples: dict[tuple[Kind, str], list[str]] = {}
    for trouble in troubles:
        name = (trouble.kind, trouble.what)
        counts[name] += 1
        if counts[name] <= EXAMPLES:
            examples.setdefault(name, []).append(trouble.id)
    order = sorted(counts, key=lambda name: (KINDS.index(name[0]), -counts[name], name[1]))
    return [Found(kind, what, counts[kind, what], tuple(examples[kind, what])) for kind, what in order]


def repeated(kind: Kind, what: str, names: Iterable[str]) -> Iterator[Trouble]:
    """Yield a trouble for each name that is there more than once."""
    for name, count in Counter(names).items():
        if count > 1:
            yield Trouble(kind, what, name)
