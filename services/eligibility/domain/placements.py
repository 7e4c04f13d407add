"""Who gets which incubator seat: the recorded order in, the same placement out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Incubator:
    """An incubator of the province. `regency` is None for the province's own; `taken` counts unexpired offers too."""

    code: str
    name: str
    regency: str | None
    sectors: frozenset[str]
    seats: int
    taken: int

    @property
    def free(self) -> int:
        """Return the seats that nobody holds."""
        return self.seats - self.taken


class Wish(NamedTuple):
    """What one seat request asks for; the province is the allocator's."""

    request_id: UUID
    sector: str
    regency: str


class Offered(NamedTuple):
    """A seat is held."""

    wish: Wish
    incubator: Incubator


class Waitlisted(NamedTuple):
    """Every fitting seat is taken; `position` counts from 1 within the sector's queue of the province."""

    wish: Wish
    position: int


class NoFit(NamedTuple):
    """No incubator of the province takes the sector."""

    wish: Wish


Placed: TypeAlias = Offered | Waitlisted | NoFit


def place(wishes: Iterable[Wish], incubators: Sequence[Incubator], queues: Mapping[str, int]) -> list[Placed]:
    """Place requests one after the other. `queues` says how many wait already per sector.

    Nobody overtakes: while others wait for a sector, a newcomer joins its queue even if a seat has become free.
    """
    taken = {incubator.code: incubator.taken for incubator in incubators}
    waiting = dict(queues)
    placed: list[Placed] = []
    for wish in wishes:
        fitting = [incubator for incubator in incubators if wish.sector in incubator.sectors]
        free = [incubator for incubator in fitting if taken[incubator.code] < incubator.seats]
        if not fitting:
            placed.append(NoFit(wish))
        elif free and not waiting.get(wish.sector):
            best = _best(free, wish, taken)
            taken[best.code] += 1
            placed.append(Offered(wish, best))
        else:
            waiting[wish.sector] = waiting.get(wish.sector, 0) + 1
            placed.append(Waitlisted(wish, waiting[wish.sector]))
    return placed


def _best(free: Sequence[Incubator], wish: Wish, taken: Mapping[str, int]) -> Incubator:
    """Return the nearest, then the one with the largest free share, then the first by code."""
    return min(
        free,
        key=lambda incubator: (
            incubator.regency != wish.regency,
            taken[incubator.code] / incubator.seats,
            incubator.code,
        ),
    )
