"""What became of a record: a closed set of values, each decided once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Handled:
    """The record's effects are in this transaction. `name` tells the kinds apart in the flow ledger."""

    name: str = "handled"


@dataclass(frozen=True, slots=True)
class Superseded:
    """Newer truth is known; the record changes nothing."""

    name: str = "superseded"


@dataclass(frozen=True, slots=True)
class Erased:
    """The person was erased; the record cannot and need not be acted on."""

    name: str = "erased"


@dataclass(frozen=True, slots=True)
class RetryLater:
    """The record's key waits at a gate; `reason` is a code."""

    reason: str
    name: str = "parked"
    is_expected: bool = False
    """Whether it is in the nature of what comes, and no failure: it does not count against the consumer."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The record is set aside for good; `reason` is a code, `field` the place. Neither holds a personal datum."""

    reason: str
    field: str = ""
    name: str = "dead"


Outcome: TypeAlias = Handled | Superseded | Erased | RetryLater | DeadLetter

HANDLED = Handled()
REPEAT = Handled("repeat")
"""A copy of what was met before: it counts, and it changes nothing."""
IGNORED = Handled("ignored")
"""An event of a kind that this consumer has no use for."""
PARKED = RetryLater("behind_gate", is_expected=True)
"""The key has a gate already; the record waits behind it."""
GAP = RetryLater("sequence_gap")
"""An earlier event of the key has not come yet."""
ERASED = Erased()
SUPERSEDED = Superseded()
