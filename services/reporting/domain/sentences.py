"""What companies and officers read, in plain Bahasa Indonesia."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from services.reporting.domain.filings import FilingState
from services.reporting.domain.ledger import Period, PeriodState

_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
_DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")

FINDINGS: Mapping[str, str] = MappingProxyType(
    {
        "NOT_A_DUE_DAY": "Tanggal itu bukan hari wajib lapor. Lihat kalender laporan izin Anda.",
        "PERIOD_NOT_BEGUN": "Masa laporan itu belum dimulai.",
        "PERMIT_NOT_ACTIVE": "Izin tidak berlaku pada hari wajib lapor itu.",
        "PERMIT_UNKNOWN": "Nomor izin tidak dikenal. Periksa kembali nomor izin Anda.",
        "ON_SITE_ABOVE_TOTAL": "Jumlah karyawan yang bekerja di lokasi lebih besar daripada jumlah seluruh karyawan.",
        "CASES_ABOVE_TOTAL": "Jumlah kasus lebih besar daripada jumlah seluruh karyawan.",
        "FORM_UNKNOWN": "Versi formulir tidak dikenal.",
        "FORM_NOT_FOR_PERIOD": "Versi formulir itu tidak berlaku untuk masa laporan ini.",
        "FIELD_MISSING": "Isian wajib belum diisi.",
        "DECLARATION_MISSING": "Pernyataan bahwa data benar belum disetujui.",
        "NO_SCREENING": "Pemeriksaan suhu dan gejala di pintu masuk belum dilakukan.",
        "NO_PROTOCOL_SOP": "SOP protokol kesehatan belum ada atau belum diterapkan.",
        "VACCINATED_ABOVE_TOTAL": "Jumlah karyawan yang divaksin lebih besar daripada jumlah seluruh karyawan.",
        "WORKERS_DIFFER_FROM_PERMIT": "Jumlah karyawan jauh berbeda dari data izin.",
        "KBLI_INVALID": "KBLI harus terdiri atas lima angka.",
        "REGENCY_INVALID": "Kode kabupaten/kota harus berbentuk 32.73.",
        "DATE_IN_FUTURE": "Tanggal belum tiba.",
        "REFERENCE_REUSED": "Nomor referensi ini sudah dipakai untuk laporan lain.",
        "OUTSIDE_REGION": "Izin itu berada di luar wilayah Anda.",
    }
)
"""One sentence per code of a finding."""

_FILINGS: Mapping[FilingState, str] = MappingProxyType(
    {
        FilingState.UNMATCHED: "Laporan sudah kami terima. Izin Anda belum tercatat di sini; laporan diperiksa setelah izin tercatat.",
        FilingState.HELD: "Laporan kami terima setelah tenggat dan segera dicatat sebagai laporan terlambat.",
        FilingState.ACCEPTED: "Laporan diterima.",
        FilingState.RETURNED: "Laporan dikembalikan. Perbaiki isiannya lalu kirim lagi sebelum tenggat.",
        FilingState.REFUSED: "Laporan tidak dapat diproses.",
    }
)


def day_in_words(day: date) -> str:
    """Return a day as people write it: `Jumat, 8 Mei 2020`."""
    return f"{_DAYS[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def instant_in_words(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant in WIB as people write it: `Jumat, 8 Mei 2020 pukul 23.59 WIB`."""
    local = instant.astimezone(zone)
    return f"{day_in_words(local.date())} pukul {local:%H.%M} WIB"


def describe_filing(state: FilingState) -> str:
    """Return what became of a report."""
    return _FILINGS[state]


def describe_finding(code: str) -> str:
    """Return what a code means; a code without a sentence is said as it is."""
    return FINDINGS.get(code, code)


def describe_period(period: Period, zone: ZoneInfo) -> str:
    """Return what is owed for a period, or what became of it."""
    day = day_in_words(period.due_on)
    if period.state is PeriodState.EXPECTED:
        return f"Laporan untuk {day} ditunggu paling lambat {instant_in_words(period.deadline, zone)}."
    if period.state is PeriodState.MISSED:
        return f"Laporan untuk {day} tidak kami terima sampai tenggat. Peringatan tertulis telah diterbitkan."
    if period.state is PeriodState.CANCELLED or period.filed_at is None:
        return f"Laporan untuk {day} tidak lagi diwajibkan."
    filed = instant_in_words(period.filed_at, zone)
    if period.state is PeriodState.LATE:
        return f"Laporan untuk {day} kami terima terlambat, pada {filed}."
    return f"Laporan untuk {day} kami terima tepat waktu, pada {filed}."
