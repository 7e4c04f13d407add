"""Who may do which kind of task, and who is asked first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

NATIONAL = "*"
"""Region of those who work for the whole country: the ministry."""


class TaskState(StrEnum):
    """Where a task stands; `completed` is final."""

    OPEN = "open"
    CLAIMED = "claimed"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of task: the roles that may do it, and its title as staff read it."""

    roles: frozenset[str]
    title: str


KINDS: Mapping[str, Kind] = {
    "eligibility_review": Kind(frozenset({"reviewer", "staff"}), "Tinjau kelayakan pendaftar"),
    "filing_validation": Kind(frozenset({"pembina", "staff"}), "Periksa laporan IOMKI"),
}
"""`staff` does everything; the other roles are the ministry's names of those who do one kind."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who does tasks. `regions` are Kemendagri codes of regencies or provinces, or `*`."""

    person: str
    roles: frozenset[str]
    regions: frozenset[str]


def kinds_for(roles: Iterable[str]) -> list[str]:
    """Return the kinds of task that somebody with these roles may do."""
    own = frozenset(roles)
    return [name for name, kind in KINDS.items() if kind.roles & own]


def choose_assignee(kind: str, dinas: str, staff: Iterable[Staff], load: Mapping[str, int]) -> str | None:
    """Return who is asked first: of those nearest to the dinas, the one with the fewest open tasks.

    Staff of the regency come first, then of its province, then of the ministry; None where nobody may do it.
    Equal loads are decided by name, so that the same state gives the same choice.
    """
    able = [person for person in staff if person.roles & KINDS[kind].roles]
    for region in (dinas, dinas.split(".", maxsplit=1)[0], NATIONAL):
        near = [person.person for person in able if region in person.regions]
        if near:
            return min(near, key=lambda person: (load.get(person, 0), person))
    return None
