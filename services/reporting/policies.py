"""Reads the dated rules of IOMKI supervision from `policies/iomki`."""

from __future__ import annotations

import hashlib
import json
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from services.reporting.domain import Cadence, Calendar, Form, Rules
from shared.errors import Fatal

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class CalendarUnordered(Fatal):
    """The cadences of the duty calendar are not in order of `valid_from`, or there is none."""


def load_rules(folder: Path) -> Rules:
    """Read `calendar.json` and `forms.json`. Raises CalendarUnordered, KeyError or ValueError for data that cannot be right."""
    forms = json.loads((folder / "forms.json").read_text("utf-8"))["forms"]
    return Rules(load_calendar(folder / "calendar.json"), {form["name"]: _read_form(form) for form in forms})


def load_calendar(path: Path) -> Calendar:
    """Read the duty calendar; its version is the digest of the file."""
    text = path.read_text("utf-8")
    data = json.loads(text)
    cadences = tuple(_read_cadence(entry) for entry in data["cadences"])
    starts = [cadence.valid_from for cadence in cadences]
    # Order in the file is the order of validity; two from one day would hide each other.
    if not starts or starts != sorted(set(starts)):
        raise CalendarUnordered
    return Calendar(ZoneInfo(data["zone"]), cadences, hashlib.sha256(text.encode()).hexdigest()[:16])


def _read_cadence(entry: dict[str, Any]) -> Cadence:
    weekdays = frozenset(_WEEKDAYS.index(day) + 1 for day in entry["weekdays"])
    return Cadence(entry["name"], date.fromisoformat(entry["valid_from"]), weekdays, time.fromisoformat(entry["deadline"]))


def _read_form(entry: dict[str, Any]) -> Form:
    last = entry["last_due_on"]
    return Form(
        name=entry["name"],
        first_due_on=date.fromisoformat(entry["first_due_on"]),
        last_due_on=date.fromisoformat(last) if last else None,
        required=tuple((item["field"], date.fromisoformat(item["first_due_on"])) for item in entry["required"]),
        is_declaration_required=entry["is_declaration_required"],
    )
