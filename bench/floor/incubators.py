"""500 incubators over the provinces, and who gets a seat: the best that is free, never more than there are."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

PROVINCES = {
    "11": 53, "12": 148, "13": 55, "14": 64, "15": 35, "16": 85, "17": 20, "18": 90, "19": 15, "21": 21, "31": 106,
    "32": 483, "33": 365, "34": 37, "35": 407, "36": 119, "51": 43, "52": 53, "53": 53, "61": 54, "62": 27, "63": 41,
    "64": 38, "65": 7, "71": 26, "72": 30, "73": 91, "74": 26, "75": 12, "76": 14, "81": 18, "82": 13, "91": 10,
    "92": 6, "93": 5, "94": 14, "95": 14, "96": 6,
}  # fmt: skip
"""Kemendagri's code of each province with its people in hundred thousands (census of 2020)."""
SECTORS = ("pangan", "sandang", "kayu", "logam", "elektronika", "kreatif", "kimia", "jasa")
COUNT = 500
AT_LEAST = 4
"""Incubators of the smallest province."""


class Incubator(NamedTuple):
    """One incubator with its seats."""

    id: int
    province: str
    sector: str
    seats: int


def make_incubators(seats: int, *, seed: int = 11) -> list[Incubator]:
    """Return 500 incubators with about so many seats in all, by the provinces' share of the people."""
    draw = random.Random(seed)  # noqa: S311 - repeatable on purpose
    codes = [code for code in PROVINCES for _ in range(AT_LEAST)]
    codes += draw.choices(list(PROVINCES), list(PROVINCES.values()), k=COUNT - len(codes))
    weights = [PROVINCES[code] / codes.count(code) * draw.uniform(0.6, 1.4) for code in codes]
    unit = seats / sum(weights)
    return [
        Incubator(number, code, draw.choice(SECTORS), max(1, round(weight * unit)))
        for number, (code, weight) in enumerate(zip(codes, weights, strict=True), 1)
    ]


class Seats:
    """The free seats, held in the memory of the one process that places."""

    def __init__(self, incubators: Iterable[Incubator]) -> None:
        self._free: dict[int, int] = {}
        self._order: dict[tuple[str, str], list[int]] = {}
        of_province: dict[str, list[Incubator]] = defaultdict(list)
        for incubator in incubators:
            self._free[incubator.id] = incubator.seats
            of_province[incubator.province].append(incubator)
        for province, there in of_province.items():
            for sector in SECTORS:
                best = sorted(there, key=lambda incubator: (incubator.sector != sector, incubator.id))
                self._order[province, sector] = [incubator.id for incubator in best]

    def take(self, province: str, sector: str) -> int | None:
        """Return the incubator in which a seat was taken, None where the province has none left."""
        order = self._order.get((province, sector), [])
        for place, id_ in enumerate(order):
            if self._free[id_]:
                self._free[id_] -= 1
                del order[:place]  # what is full stays full
                return id_
        order.clear()
        return None
