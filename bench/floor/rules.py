"""Twelve rules in plain Python: who is eligible, with how many points."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from bench.floor.registration import DAYS_OF_WOMEN, TODAY

EXCLUDED = frozenset({"asn", "tni", "polri", "kepala desa", "komisaris bumn"})
AID = frozenset({"pkh", "bpnt", "subsidi_upah"})
HARD_HIT = frozenset({"31", "32", "33", "35", "36"})
SECTOR_OF = {
    **dict.fromkeys(("10", "11", "12"), "pangan"),
    **dict.fromkeys(("13", "14", "15"), "sandang"),
    **dict.fromkeys(("16", "31"), "kayu"),
    **dict.fromkeys(("24", "25"), "logam"),
    **dict.fromkeys(("26", "27"), "elektronika"),
    **dict.fromkeys(("20", "21", "22"), "kimia"),
    **dict.fromkeys(("18", "32", "58", "59"), "kreatif"),
}
"""By the division of a KBLI code; everything else is `jasa`."""
BAR = 40
ADULT, OLD = 18, 64
RECENT_DAYS = 60


class Score(NamedTuple):
    """What the rules say: `reasons` are codes of what speaks against or for it."""

    is_eligible: bool
    points: int
    reasons: list[str]


def sector_of(registration: Mapping[str, Any]) -> str:
    """Return the sector of the plan, else of the employer."""
    plan = registration.get("business_plan")
    kbli = plan["kbli"] if plan else registration.get("employer_kbli") or ""
    return SECTOR_OF.get(kbli[:2], "jasa")


def score(registration: Mapping[str, Any]) -> Score:
    """Apply the twelve rules to a checked registration as JSON has it."""
    against = _against(registration)
    points, reasons = 0, []
    for is_met, worth, code in (
        (registration["employment_status"] == "phk", 30, "laid_off"),
        (registration.get("layoff_letter"), 10, "layoff_letter"),
        (registration.get("dependants"), 10, "dependants"),
        (registration.get("skills"), 5, "skills"),
        (registration.get("business_plan"), 20, "business_plan"),
        (registration["regency"][:2] in HARD_HIT, 10, "region_hit_hard"),
        ((TODAY - date.fromisoformat(registration["layoff_on"])).days <= RECENT_DAYS, 5, "recent_layoff"),
    ):
        if is_met:
            points += worth
            reasons.append(code)
    return Score(not against and points >= BAR, points, against + reasons)


def _against(registration: Mapping[str, Any]) -> list[str]:
    born, nik, found = date.fromisoformat(registration["birth_date"]), registration["nik"], []
    if not ADULT <= TODAY.year - born.year - ((TODAY.month, TODAY.day) < (born.month, born.day)) <= OLD:
        found.append("age")
    if registration.get("citizenship") == "WNA" or registration.get("in_formal_education"):
        found.append("not_entitled")
    if registration.get("profession") in EXCLUDED:
        found.append("profession_excluded")
    if not AID.isdisjoint(registration.get("other_aid", ())):
        found.append("receives_other_aid")
    if (int(nik[6:8]) % DAYS_OF_WOMEN, int(nik[8:10]), int(nik[10:12])) != (born.day, born.month, born.year % 100):
        found.append("nik_differs")
    return found
