"""Made-up registrations and layoff lists, the same for the same seed. Identifiers have valid structure and belong to nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Literal

from rintis.demo import names

Door = Literal["kafka", "http", "file"]

BAD_SHARE = 0.02
DUPLICATE_SHARE = 0.03
LISTED_SHARE = 0.4
STRANGERS_SHARE = 0.02
"""Laid-off people on the lists who do not register."""
DOORS: tuple[tuple[Door, str, int], ...] = (
    ("kafka", "kemnaker", 45),
    ("kafka", "prakerja", 20),
    ("http", "prakerja", 20),
    ("file", "dinas", 15),
)
"""Through which door, in whose name, how many of a hundred."""
ADULT_BORN_UNTIL = date(2001, 12, 31)
MINOR_BORN_FROM = date(2002, 9, 1)
"""Nobody comes of age while the demo runs."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration on its way: the data, the door, and the codes it must be refused with, if any."""

    data: dict[str, Any]
    door: Door
    publisher: str
    is_listed: bool = False
    refusals: tuple[str, ...] = ()
    duplicate_of: str | None = None

    @property
    def reference(self) -> str:
        """Return the publisher's reference."""
        return str(self.data["reference"])


@dataclass(frozen=True, slots=True)
class Population:
    """Everything that publishers send about workers. `repeats` name people who are in `first` and are sent after them."""

    layoffs: tuple[dict[str, Any], ...]
    first: tuple[Registration, ...]
    repeats: tuple[Registration, ...]

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Return all registrations."""
        return self.first + self.repeats


def generate(count: int, seed: int) -> Population:
    """Return a population with `count` registrations, bad ones and duplicates included."""
    random = Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret comes of it
    repeated = round(count * DUPLICATE_SHARE)
    bad = round(count * BAD_SHARE)
    first = [_register(random, number) for number in range(count - repeated)]
    for turn, position in enumerate(random.sample(range(len(first)), bad)):
        first[position] = spoil(first[position], turn)
    good = [registration for registration in first if not registration.refusals]
    repeats = [_repeat(random, original) for original in random.sample(good, min(repeated, len(good)))]
    listed = [_listing(registration.data) for registration in first if registration.is_listed and not registration.refusals]
    strangers = [_listing(_person(random, count + number)) for number in range(round(count * STRANGERS_SHARE))]
    return Population(tuple(listed + strangers), tuple(first), tuple(repeats))


def spoil(registration: Registration, turn: int) -> Registration:
    """Return the registration with one mistake in it, another kind each turn."""
    nik = registration.data["nik"]
    mistakes: tuple[tuple[str, dict[str, Any]], ...] = (
        ("NIK_FORMAT", {"nik": f"{nik[:12]}O1O1"}),
        ("NIK_SERIAL", {"nik": f"{nik[:12]}0000"}),
        ("BIRTH_DATE_FUTURE", {"birth_date": "2031-02-01"}),
        ("AGE_IMPOSSIBLE", {"birth_date": "1899-02-01"}),
        ("LAYOFF_FUTURE", {"layoff_on": "2020-12-31"}),
        ("REGENCY_UNKNOWN", {"regency": "32.99"}),
        ("REGENCY_FORMAT", {"regency": "3273"}),
        ("NAME_MALFORMED", {"name": "12345"}),
        ("EMPLOYER_KBLI_FORMAT", {"employer_kbli": "1411"}),
    )
    code, change = mistakes[turn % len(mistakes)]
    return Registration(registration.data | change, registration.door, registration.publisher, refusals=(code,))


def _register(random: Random, number: int) -> Registration:
    data = _person(random, number)
    door, publisher, _ = random.choices(DOORS, [share for _, _, share in DOORS])[0]
    return Registration(data, door, publisher, is_listed=random.random() < LISTED_SHARE)


def _repeat(random: Random, original: Registration) -> Registration:
    door, publisher, _ = random.choices(DOORS, [share for _, _, share in DOORS])[0]
    data = original.data | {"reference": f"{original.reference}-ULANG"}
    return Registration(data, door, publisher, duplicate_of=original.reference)


def _person(random: Random, number: int) -> dict[str, Any]:
    is_woman = random.random() < 0.48
    name = f"{random.choice(names.WOMEN if is_woman else names.MEN)} {random.choice(names.FAMILY)}"
    regency = random.choices([code for code, _ in names.REGIONS], [weight for _, weight in names.REGIONS])[0]
    born = _birth_date(random)
    has_phone, has_email = random.choices(((True, False), (True, True), (False, True), (False, False)), (74, 17, 5, 4))[0]
    data: dict[str, Any] = {
        "reference": f"DEMO-{number:06d}",
        "nik": _nik(regency, born, number, is_woman=is_woman),
        "name": name,
        "birth_date": born.isoformat(),
        "phone": f"0812{number:08d}" if has_phone else None,
        "email": f"{name.split(maxsplit=1)[0].lower()}.{number}@surel.contoh.id" if has_email else None,
        "address": f"{random.choice(names.STREETS)} No. {random.randint(1, 99)}",
        "regency": regency,
    }
    return {key: value for key, value in (data | _work(random) | _situation(random)).items() if value is not None}


def _work(random: Random) -> dict[str, Any]:
    since = random.choices((date(2020, 3, 2), date(2019, 11, 4)), (85, 15))[0]
    return {
        "employment_status": random.choices(("phk", "dirumahkan"), (72, 28))[0],
        "layoff_on": (since + timedelta(days=random.randint(0, 60))).isoformat(),
        "employer": f"PT {random.choice(names.COMPANIES)} {random.choice(names.ADJECTIVES)}",
        "employer_kbli": random.choice(names.EMPLOYER_KBLI),
        "layoff_letter": f"{random.randint(1, 400):03d}/HRD/IV/2020" if random.random() < 0.65 else None,
        "profession": _profession(random),
    }


def _situation(random: Random) -> dict[str, Any]:
    has_plan = random.random() < 0.65
    return {
        "citizenship": "WNA" if random.random() < 0.005 else "WNI",
        "in_formal_education": random.random() < 0.01,
        "other_aid": [random.choice(names.EXCLUDING_AID)] if random.random() < 0.03 else [],
        "dependants": random.choices(range(6), (25, 25, 22, 16, 8, 4))[0],
        "skills": random.sample(names.SKILLS, random.choice((0, 1, 1, 2))),
        "business_plan": {"kbli": random.choice(names.PLAN_KBLI), "description": "Usaha rumahan."} if has_plan else None,
    }


def _profession(random: Random) -> str:
    kinds = (names.ORDINARY_PROFESSIONS, names.EXCLUDED_PROFESSIONS, names.UNCLEAR_PROFESSIONS)
    return random.choice(random.choices(kinds, (965, 15, 20))[0])


def _birth_date(random: Random) -> date:
    if random.random() < 0.01:
        return MINOR_BORN_FROM + timedelta(days=random.randint(0, 300))
    return ADULT_BORN_UNTIL - timedelta(days=random.randint(0, 38 * 365))


def _nik(regency: str, born: date, number: int, *, is_woman: bool) -> str:
    """Return a number unique per person: district and serial count, the day of women has 40 added."""
    district, serial = divmod(number, 9_000)
    day = born.day + (40 if is_woman else 0)
    return f"{regency.replace('.', '')}{district + 1:02d}{day:02d}{born:%m%y}{serial + 1:04d}"


def _listing(data: dict[str, Any]) -> dict[str, Any]:
    fields = ("nik", "name", "birth_date", "phone", "employment_status", "layoff_on", "employer", "employer_kbli", "regency")
    listed = {field: data[field] for field in fields if field in data}
    return listed | {"reference": f"DAFTAR-{data['reference']}"}
