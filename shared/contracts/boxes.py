"""What lies in the sealed boxes that travel. The `identity` box never leaves registration and is not here."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Box(BaseModel):
    """Plain content of a sealed box. Never log one, never put one in an error."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def __repr__(self) -> str:
        """Hide the content: a box must not reach a log by accident."""
        return f"<{type(self).__name__} sealed>"

    __str__ = __repr__


class Contact(Box):
    """Box `contact`, opened by notification only."""

    name: str
    phone: str | None = None
    email: str | None = None
    ticket: str | None = None
    access_code: str | None = None


class Facts(Box):
    """Box `facts`, opened by eligibility only: what scoring needs."""

    ticket: str
    access_code_hash: str
    birth_date: date
    citizenship: Literal["WNI", "WNA"]
    regency: str
    employment_status: Literal["phk", "dirumahkan"]
    layoff_on: date
    employer_kbli: str | None
    has_layoff_letter: bool
    layoff_lists: list[str]
    """Who confirmed the layoff by a list: names of publishers."""
    in_formal_education: bool
    profession: str
    other_aid: list[str]
    dependants: int
    skills: list[str]
    plan_kbli: str | None
    has_plan: bool


class Company(Box):
    """Box `company`: whom to write to about a permit. Key per permit, in reporting's own key store."""

    company: str
    name: str
    phone: str | None = None
    email: str | None = None
