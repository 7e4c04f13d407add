"""The registration as it comes in: 21 fields, checked by pydantic."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench.floor.incubators import PROVINCES

TODAY = date(2020, 5, 11)
"""The day on which the registrations of a run come in: the first Monday of the programme."""
DAYS_OF_WOMEN = 40
"""Added to the day of birth in the population number of a woman."""

Kbli = Annotated[str, Field(pattern=r"^[0-9]{5}$")]
Text = Annotated[str, Field(max_length=200)]


class Plan(BaseModel):
    """What the worker would like to start."""

    kbli: Kbli
    description: Annotated[str, Field(max_length=2000)] = ""


class Registration(BaseModel):
    """One laid-off worker asks for support."""

    model_config = ConfigDict(extra="ignore")

    reference: Annotated[str, Field(min_length=1, max_length=100)]
    nik: Annotated[str, Field(pattern=r"^[0-9]{16}$")]
    kk: Text | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z .'-]+$", max_length=200)]
    birth_date: date
    phone: Text | None = None
    email: Text | None = None
    address: Text | None = None
    regency: Annotated[str, Field(pattern=r"^[0-9]{2}\.[0-7][0-9]$")]
    citizenship: Literal["WNI", "WNA"] = "WNI"
    employment_status: Literal["phk", "dirumahkan"]
    layoff_on: date
    employer: Annotated[str, Field(min_length=2, max_length=200)]
    employer_kbli: Kbli | None = None
    layoff_letter: Text | None = None
    in_formal_education: bool = False
    profession: Text = ""
    other_aid: Annotated[list[Text], Field(max_length=20)] = []
    dependants: Annotated[int, Field(ge=0, le=30)] = 0
    skills: Annotated[list[Text], Field(max_length=30)] = []
    business_plan: Plan | None = None

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        if self.regency[:2] not in PROVINCES:
            raise ValueError("no such province")
        if not date(1930, 1, 1) < self.birth_date < self.layoff_on <= TODAY:
            raise ValueError("dates out of order")
        day = int(self.nik[6:8]) % DAYS_OF_WOMEN
        if not (1 <= day <= 31 and 1 <= int(self.nik[8:10]) <= 12 and self.nik[12:] != "0000"):
            raise ValueError("a population number without a date or a serial")
        return self
