"""What a worker is told who asks, in plain Bahasa Indonesia."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

WIB = ZoneInfo("Asia/Jakarta")
_MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
PROGRAMMES: Mapping[str, str] = {
    "wub": "Wirausaha Baru",
    "diklat_3in1": "Diklat 3 in 1 (pelatihan, sertifikasi, penempatan kerja)",
    "rujukan": "rujukan ke program lain",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The last that was heard of a worker's case; None for what has not happened."""

    registered_at: datetime
    decision: str | None = None
    programme: str | None = None
    reasons: tuple[str, ...] = ()
    placement: str | None = None
    placement_name: str | None = None
    until: datetime | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a stage for machines, a headline and the next step for people."""

    stage: str
    headline: str
    next_step: str


def answer(standing: Standing) -> Answer:
    """Return what to tell: the placement where there is one, else the decision, else that the registration is in."""
    if standing.placement is not None and standing.decision != "denied":
        return _placed(standing)
    return _decided(standing)


def _placed(standing: Standing) -> Answer:
    place = standing.placement_name or "tempat yang dipilihkan"
    until = f" paling lambat {in_words(standing.until)}" if standing.until else ""
    answers = {
        "offered": Answer(
            "offered",
            f"Selamat, ada kursi untuk Anda di {place}.",
            f"Terima atau tolak tawaran ini{until}. Jika lewat, tawaran ini berakhir.",
        ),
        "waitlisted": Answer(
            "waitlisted",
            f"Anda ada di daftar tunggu, urutan ke-{standing.position}.",
            "Tidak perlu mendaftar lagi. Kami beri kabar begitu ada kursi.",
        ),
        "accepted": Answer(
            "seated", f"Kursi Anda di {place} sudah pasti.", "Tunggu jadwal mulai dari penyelenggara. Simpan tiket Anda."
        ),
        "declined": Answer("declined", "Anda sudah menolak tawaran kursi.", "Jika ini keliru, hubungi dinas di daerah Anda."),
        "expired": Answer(
            "expired", "Batas waktu tawaran kursi sudah lewat.", "Jika masih berminat, hubungi dinas di daerah Anda."
        ),
        "referred": Answer("referred", f"Anda diarahkan ke {place}.", "Penyelenggara akan menghubungi Anda. Simpan tiket Anda."),
    }
    return answers[standing.placement or ""]


def _decided(standing: Standing) -> Answer:
    programme = PROGRAMMES.get(standing.programme or "", "bantuan")
    answers = {
        None: Answer(
            "registered", "Pendaftaran Anda sudah kami terima.", "Kami sedang memeriksa data Anda. Tidak perlu mendaftar lagi."
        ),
        "confirmed": Answer("confirmed", f"Anda memenuhi syarat: {programme}.", "Kami sedang mencarikan tempat untuk Anda."),
        "denied": Answer(
            "denied",
            "Anda belum memenuhi syarat bantuan ini.",
            "Alasannya ada di pesan yang kami kirim. Jika ada data yang keliru, hubungi dinas di daerah Anda.",
        ),
        "review_asked": Answer(
            "in_review",
            "Data Anda sedang ditinjau petugas.",
            "Petugas dinas mungkin menghubungi Anda. Tidak perlu mendaftar lagi.",
        ),
    }
    return answers[standing.decision]


def in_words(instant: datetime) -> str:
    """Return a day and hour as people write them, in WIB."""
    local = instant.astimezone(WIB)
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} pukul {local:%H.%M} WIB"
