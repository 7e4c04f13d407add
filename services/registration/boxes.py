"""Contents of the boxes that never leave registration."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared.contracts.boxes import Box


class Identity(Box):
    """Box `identity` of a person: who somebody is, as first registered or reported."""

    nik: str
    kk: str | None = None
    name: str
    birth_date: date | None = None
    address: str | None = None
    phone: str | None = None
    employer: str
    layoff_letter: str | None = None
    plan: str = ""


class Evidence(Box):
    """One line of a layoff list, sealed under the person's `identity` key."""

    employment_status: Literal["phk", "dirumahkan"]
    layoff_on: date
    employer: str
    employer_kbli: str | None = None
    regency: str | None = None
