"""Why a submission is refused or warned about: every code once, with a sentence and a remedy in Bahasa Indonesia."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Finding(NamedTuple):
    """What was found wrong: a code and the field. Never a value."""

    code: str
    field: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What people read about a code: what is wrong, and what to do."""

    detail: str
    remedy: str


REFUSALS: Mapping[str, Wording] = {
    "NIK_FORMAT": Wording("NIK bukan 16 angka.", "Tulis NIK persis seperti di KTP: 16 angka, tanpa huruf."),
    "NIK_PROVINCE": Wording("Dua angka pertama NIK bukan kode provinsi.", "Periksa kembali NIK di KTP."),
    "NIK_REGION": Wording("Kode kabupaten/kota atau kecamatan di NIK tidak boleh 00.", "Periksa kembali NIK di KTP."),
    "NIK_BIRTH_DATE": Wording(
        "Tanggal lahir di dalam NIK tidak mungkin ada.",
        "Periksa angka ke-7 sampai ke-12 NIK; untuk perempuan tanggal ditambah 40.",
    ),
    "NIK_SERIAL": Wording("Empat angka terakhir NIK tidak boleh 0000.", "Periksa kembali NIK di KTP."),
    "NAME_MISSING": Wording("Nama belum diisi.", "Isi nama lengkap seperti di KTP."),
    "NAME_MALFORMED": Wording(
        "Nama berisi tanda yang tidak dikenal atau tidak berisi huruf.", "Tulis nama dengan huruf, seperti di KTP."
    ),
    "BIRTH_DATE_FUTURE": Wording("Tanggal lahir ada di masa depan.", "Periksa tanggal lahir di KTP."),
    "AGE_IMPOSSIBLE": Wording("Umur menurut tanggal lahir tidak mungkin untuk seorang pekerja.", "Periksa tahun lahir di KTP."),
    "LAYOFF_FUTURE": Wording(
        "Tanggal PHK atau dirumahkan ada di masa depan.", "Kirim pada atau setelah hari pertama PHK atau dirumahkan."
    ),
    "LAYOFF_IMPOSSIBLE": Wording(
        "Tanggal PHK atau dirumahkan terlalu lama atau sebelum usia kerja.", "Periksa tanggal pada surat dari perusahaan."
    ),
    "REGENCY_FORMAT": Wording(
        "Kode kabupaten/kota tidak berbentuk dua angka, titik, dua angka.",
        "Pakai kode Kemendagri, misalnya 32.73 untuk Kota Bandung.",
    ),
    "REGENCY_UNKNOWN": Wording(
        "Kode kabupaten/kota tidak ada di daftar Kemendagri.", "Pakai kode Kemendagri (bukan kode BPS), misalnya 32.73."
    ),
    "EMPLOYER_MISSING": Wording("Nama perusahaan belum diisi.", "Isi nama perusahaan tempat bekerja."),
    "EMPLOYER_KBLI_FORMAT": Wording(
        "KBLI perusahaan bukan lima angka.", "Tulis lima angka sebagai teks, angka nol di depan tetap ditulis, atau kosongkan."
    ),
    "PLAN_KBLI_FORMAT": Wording(
        "KBLI rencana usaha bukan lima angka.", "Tulis lima angka sebagai teks, angka nol di depan tetap ditulis."
    ),
    "REFERENCE_REUSED": Wording(
        "Nomor rujukan ini sudah dipakai untuk pendaftaran orang lain.", "Pakai nomor rujukan baru untuk setiap orang."
    ),
}
"""Codes of refusals. A code is public: it is never given another meaning."""

WARNINGS: Mapping[str, Wording] = {
    "NIK_BIRTH_DATE_DIFFERS": Wording(
        "Tanggal lahir berbeda dengan yang ada di NIK.",
        "Tidak apa-apa bila data lahir pernah diperbaiki; jika tidak, periksa lagi.",
    ),
    "PHONE_UNUSABLE": Wording(
        "Nomor telepon bukan nomor HP Indonesia.", "Beri nomor HP, misalnya 0812..., agar SMS bisa dikirim."
    ),
    "EMAIL_UNUSABLE": Wording("Alamat e-mail tidak lengkap.", "Periksa alamat e-mail, misalnya nama@contoh.id."),
    "NO_CONTACT": Wording(
        "Tidak ada nomor HP atau e-mail yang bisa dipakai.", "Tanpa kontak kami tidak bisa memberi kabar; lengkapi bila ada."
    ),
    "KK_UNUSABLE": Wording("Nomor KK bukan 16 angka dan tidak dipakai.", "Tulis nomor KK seperti di kartu keluarga: 16 angka."),
    "REGENCY_RETIRED": Wording(
        "Kode kabupaten/kota ini kode lama.", "Boleh dipakai; kode baru ada di daftar Kemendagri terbaru."
    ),
}
"""Codes of warnings: the submission is taken all the same."""

MALFORMED = Wording("Isi data tidak sesuai bentuk yang diminta.", "Lihat bentuk data di docs/publish.md.")


def wording(code: str) -> Wording:
    """Return what people read about a code; a code of the contract's own checks gets the general sentence."""
    return REFUSALS.get(code) or WARNINGS.get(code) or MALFORMED


def in_words(findings: tuple[Finding, ...]) -> list[dict[str, str]]:
    """Return findings as they are answered: code, field, what is wrong, what to do."""
    return [
        {"code": f.code, "field": f.field, "detail": wording(f.code).detail, "remedy": wording(f.code).remedy} for f in findings
    ]
