"""A person as the rules see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(slots=True)
class Applicant:
    """What an opened facts box says. Never log one. Not to be changed: frozen it would be three times as dear to make."""

    birth_date: date
    citizenship: str
    province: str
    regency: str
    employment_status: str
    layoff_on: date
    employer_kbli: str | None
    has_layoff_letter: bool
    layoff_lists: tuple[str, ...]
    in_formal_education: bool
    profession: str
    other_aid: tuple[str, ...]
    dependants: int
    skills: tuple[str, ...]
    plan_kbli: str | None
    has_plan: bool

    def __repr__(self) -> str:
        return "<Applicant sealed>"


@dataclass(frozen=True, slots=True)
class Professions:
    """The professions that a policy knows: those that exclude, and others."""

    excluded: frozenset[str]
    other: frozenset[str]

    def kind(self, text: str) -> str:
        """Return `excluded`, `other`, or `unknown` for a text that a person must read."""
        code = _code(text)
        if code in self.excluded:
            return "excluded"
        return "other" if code in self.other else "unknown"


def sector_of(kbli: str | None, sectors: Mapping[str, str]) -> str | None:
    """Return the sector of a KBLI class by its division (the first two digits), None outside manufacturing."""
    return sectors.get(kbli.strip()[:2]) if kbli else None


def age_on(birth_date: date, on: date) -> int:
    """Return full years; who was born on 29 February is a year older on 1 March of a common year."""
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def view_for_rules(applicant: Applicant, on: date, professions: Professions, sectors: Mapping[str, str]) -> dict[str, Any]:
    """Return the inputs of the decision table, every one present and of its type.

    The table's engine does not complain of a missing or wrongly typed input: its row would silently not match.
    """
    return {
        "age": age_on(applicant.birth_date, on),
        "citizenship": applicant.citizenship,
        "employment_status": applicant.employment_status,
        "in_formal_education": applicant.in_formal_education,
        "profession_kind": professions.kind(applicant.profession),
        "other_aid": sorted({_code(aid) for aid in applicant.other_aid}),
        "has_layoff_letter": applicant.has_layoff_letter,
        "layoff_lists": list(applicant.layoff_lists),
        "days_since_layoff": (on - applicant.layoff_on).days,
        "dependants": applicant.dependants,
        "skills": list(applicant.skills),
        "has_plan": applicant.has_plan,
        "plan_sector": sector_of(applicant.plan_kbli, sectors) or "",
        "employer_sector": sector_of(applicant.employer_kbli, sectors) or "",
        "province": applicant.province,
    }


def _code(text: str) -> str:
    """Return a text as the code that lists hold: `Kepala Desa` is `kepala_desa`."""
    return "_".join(text.strip().lower().replace("-", " ").replace("_", " ").split())
