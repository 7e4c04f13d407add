"""From matched rules to a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

BELOW_BAR = "score_below_bar"


class Outcome(StrEnum):
    """What a decision says."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched. `effect` is deny, review, points or note."""

    rule: str
    code: str
    effect: str
    points: int


class Judgement(NamedTuple):
    """A decision with everything that explains it.

    `reasons` are what the person is told: why not, what is unclear, or what spoke for them. `rules` are all that matched.
    """

    outcome: Outcome
    score: int
    rules: tuple[str, ...]
    reasons: tuple[str, ...]


def judge(matches: Sequence[Match], bar: int) -> Judgement:
    """Deny if any rule denies; else ask a person if anything is unclear; else hold the score against the bar."""
    score = sum([match.points for match in matches])
    rules = tuple([match.rule for match in matches])
    codes: dict[str, list[str]] = {"deny": [], "review": [], "points": [], "note": []}
    for match in matches:
        codes[match.effect].append(match.code)
    if codes["deny"]:
        return Judgement(Outcome.DENIED, score, rules, tuple(codes["deny"]))
    if codes["review"]:
        return Judgement(Outcome.REVIEW, score, rules, tuple(codes["review"]))
    if score < bar:
        return Judgement(Outcome.DENIED, score, rules, (BELOW_BAR,))
    return Judgement(Outcome.CONFIRMED, score, rules, tuple(codes["points"]))
