"""The people of a load: each number is somebody else, with a NIK and a name that nobody else has."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from shared.contracts.intake import RegistrationSubmitted

REGENCIES = ("32.73", "33.74", "35.78", "31.71", "36.04", "12.71", "73.71", "51.71")
GIVEN = ("Siti", "Budi", "Dewi", "Agus", "Wahyuni", "Slamet", "Kartini", "Made", "Ucok", "Yohana")
FAMILY = ("Hardjosoemantri", "Situmorang", "Wirakusuma", "Pattiasina", "Nainggolan", "Kusumawardhani", "Tambunan", "Rumbiak")
LETTERS = str.maketrans("0123456789", "ABCDEFGHIJ")
FIRST_BIRTHDAY = date(1960, 1, 1)
SERIALS, BIRTHDAYS = 9_000, 14_000
"""Last four digits of a NIK, and the days of birth that grown-up workers have: together some 15 million different people."""

PLAIN = RegistrationSubmitted.model_validate(
    {
        "reference": "ref",
        "nik": "",
        "name": "",
        "birth_date": FIRST_BIRTHDAY,
        "regency": "",
        "employment_status": "phk",
        "layoff_on": date(2020, 4, 6),
        "employer": "PT Contoh Sandang",
        "employer_kbli": "14111",
        "dependants": 2,
        "skills": ["menjahit"],
        "business_plan": {"kbli": "14111", "description": "Usaha jahit."},
    }
).model_dump(mode="json")
"""What all registrations have in common. Each is made of it and not by the model: that took as long again as all else of a draw."""


def item_of(person: int, reference: str) -> dict[str, Any]:
    """Return somebody's registration as the model writes it: a test holds each against the model."""
    own = {
        "reference": reference,
        "nik": nik_of(person),
        "name": f"{GIVEN[person % len(GIVEN)]} {FAMILY[person // 10 % len(FAMILY)]} {_letters(person)}",
        "birth_date": birthday_of(person).isoformat(),
        "phone": f"0812{10_000_000 + person}",
        "regency": REGENCIES[person % len(REGENCIES)],
        "layoff_letter": f"{person}/HRD/IV/2020",
    }
    return PLAIN | own


def birthday_of(person: int) -> date:
    """Return a day of birth that no other person with the same serial number has."""
    return FIRST_BIRTHDAY + timedelta(days=(person * 31 + person // SERIALS * 1_009) % BIRTHDAYS)


def nik_of(person: int) -> str:
    """Return a well-formed NIK that nobody else has."""
    born = birthday_of(person)
    day = born.day + (40 if person % 2 else 0)
    regency = REGENCIES[person % len(REGENCIES)].replace(".", "")
    return f"{regency}01{day:02d}{born.month:02d}{born.year % 100:02d}{1 + person % SERIALS:04d}"


def _letters(number: int) -> str:
    return str(number).translate(LETTERS).capitalize()
