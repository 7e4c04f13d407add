"""What the columns of a file are called, and what a line of it says in the contract's words. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

Kind = Literal["layoffs", "registrations"]

NAMES: Mapping[str, tuple[str, ...]] = {
    # Not "no": a list's running number names another person in the next list.
    "reference": ("reference", "referensi"),
    "nik": ("nik",),
    "kk": ("kk", "no_kk", "nomor_kk"),
    "name": ("name", "nama", "nama_lengkap"),
    "birth_date": ("birth_date", "tanggal_lahir", "tgl_lahir"),
    "phone": ("phone", "telepon", "no_hp", "hp"),
    "email": ("email", "surel"),
    "address": ("address", "alamat"),
    "regency": ("regency", "kode_kabupaten", "kabupaten", "kab_kota"),
    "citizenship": ("citizenship", "kewarganegaraan"),
    "employment_status": ("employment_status", "status", "status_kerja"),
    "layoff_on": ("layoff_on", "tanggal_phk", "tgl_phk"),
    "employer": ("employer", "perusahaan", "nama_perusahaan"),
    "employer_kbli": ("employer_kbli", "kbli_perusahaan"),
    "layoff_letter": ("layoff_letter", "nomor_surat_phk", "surat_phk"),
    "in_formal_education": ("in_formal_education", "masih_sekolah"),
    "profession": ("profession", "profesi"),
    "other_aid": ("other_aid", "bantuan_lain"),
    "dependants": ("dependants", "tanggungan"),
    "skills": ("skills", "keahlian"),
    "plan_kbli": ("plan_kbli", "kbli_usaha", "rencana_kbli"),
    "plan_description": ("plan_description", "rencana_usaha"),
}
"""Each field with the headings by which it is found, English and Indonesian."""

NEEDED: Mapping[Kind, frozenset[str]] = {
    "layoffs": frozenset({"nik", "name", "employment_status", "layoff_on", "employer"}),
    "registrations": frozenset({"nik", "name", "birth_date", "regency", "employment_status", "layoff_on", "employer"}),
}
OF_LAYOFFS = frozenset(
    {"reference", "nik", "name", "birth_date", "phone", "employment_status", "layoff_on", "employer", "employer_kbli", "regency"}
)
LONGEST: Mapping[str, int] = {"reference": 100, "plan_description": 2_000, "skills": 2_000, "other_aid": 2_000}
LONGEST_OTHER = 200
"""Longest texts that the contract takes, in characters; a list is longer than its parts. Bounds the size of a call, too."""
LISTS = frozenset({"other_aid", "skills"})
DATES = frozenset({"birth_date", "layoff_on"})
YES = frozenset({"ya", "y", "yes", "true", "1"})
NO = frozenset({"tidak", "t", "no", "n", "false", "0", ""})
DATE_FORMS = ("%Y-%m-%d", "%d-%m-%Y", "%d/%m/%Y")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a line, or one field of it, is not taken; the remedy is for the person who keeps the file."""

    field: str
    code: str
    remedy: str


class LineRefused(Exception):
    """A line cannot be put into the contract's words."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def match_headings(headings: Sequence[str]) -> dict[str, str]:
    """Return field names by the file's own headings; headings that nobody knows are left out."""
    plain = {heading: heading.strip().lower().replace(" ", "_").replace(".", "") for heading in headings}
    return {heading: field for heading, name in plain.items() for field, names in NAMES.items() if name in names}


def missing_columns(kind: Kind, fields: Sequence[str]) -> list[str]:
    """Return the columns that a file of this kind needs and does not have."""
    return sorted(NEEDED[kind] - set(fields))


def to_item(kind: Kind, line: Mapping[str, str]) -> dict[str, Any]:
    """Return one line as an item of the HTTP door. Raises LineRefused.

    A line without a reference of its own is named by its content, so that the same line is the same item again.
    """
    given = {field: text.strip() for field, text in line.items() if text and text.strip()}
    for field in sorted(NEEDED[kind] - given.keys()):
        raise LineRefused(Refusal(field, "MISSING", f"Isi kolom {NAMES[field][-1]}."))
    for field, text in given.items():
        if len(text) > (most := LONGEST.get(field, LONGEST_OTHER)):
            raise LineRefused(Refusal(field, "TOO_LONG", f"Paling banyak {most} huruf. Periksa tanda kutip di baris ini."))
    reference = (
        given.get("reference")
        or hashlib.sha256("\x1f".join(f"{k}={v}" for k, v in sorted(given.items())).encode()).hexdigest()[:32]
    )
    item: dict[str, Any] = {field: _value(field, text) for field, text in given.items() if not field.startswith("plan_")}
    item["reference"] = reference
    if kind == "layoffs":
        return {field: value for field, value in item.items() if field in OF_LAYOFFS}
    if "plan_kbli" in given:
        item["business_plan"] = {"kbli": given["plan_kbli"], "description": given.get("plan_description", "")}
    return item


def _value(field: str, text: str) -> Any:
    if field in DATES:
        return _date(field, text).isoformat()
    if field in LISTS:
        return [part.strip() for part in text.replace("|", ",").split(",") if part.strip()]
    if field == "dependants":
        if not (text.isascii() and text.isdigit()):
            raise LineRefused(Refusal(field, "NOT_A_NUMBER", "Tulis jumlah tanggungan dengan angka, misalnya 2."))
        return int(text)
    if field == "in_formal_education":
        if text.lower() not in YES | NO:
            raise LineRefused(Refusal(field, "NOT_YES_OR_NO", "Tulis ya atau tidak."))
        return text.lower() in YES
    return text.lower() if field == "employment_status" else text


def _date(field: str, text: str) -> date:
    for form in DATE_FORMS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no time zone
        except ValueError:
            continue
    raise LineRefused(Refusal(field, "NOT_A_DATE", "Tulis tanggal sebagai 2020-04-30 atau 30-04-2020."))
