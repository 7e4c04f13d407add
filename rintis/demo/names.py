"""Words that made-up people, companies and plans are put together from. Nobody real is meant."""

from __future__ import annotations

WOMEN = (
    "Wulan",
    "Ratna",
    "Laras",
    "Sekar",
    "Intan",
    "Mega",
    "Citra",
    "Tiara",
    "Kirana",
    "Dewi",
    "Puspa",
    "Anjani",
    "Melati",
    "Ayu",
)
MEN = (
    "Bagas",
    "Raditya",
    "Damar",
    "Galih",
    "Yoga",
    "Surya",
    "Wahyu",
    "Arjuna",
    "Panji",
    "Rangga",
    "Lintang",
    "Satria",
    "Bayu",
    "Jaka",
)
FAMILY = (
    *("Sekarningrum", "Hutomo", "Wibisana", "Prasetya", "Kusumawati", "Simarmata", "Manurung", "Lestari", "Pranata", "Wijayanti"),
    *("Siregar", "Tampubolon", "Nasution", "Maheswari", "Saputra", "Wening", "Paputungan", "Rumbiak", "Wenda", "Tandiono"),
)
STREETS = ("Jl. Melati", "Jl. Kenanga", "Gang Sukajadi", "Jl. Cempaka Putih", "Jl. Anggrek Raya", "Kampung Baru", "Jl. Pahlawan")
COMPANIES = ("Sandang", "Pangan", "Logam", "Plastik", "Karet", "Kertas", "Keramik", "Elektronika", "Kimia", "Furnitur")
ADJECTIVES = (
    "Makmur",
    "Lestari",
    "Sentosa",
    "Jaya Abadi",
    "Nusantara",
    "Mandiri",
    "Cemerlang",
    "Parahyangan",
    "Samudera",
    "Perkasa",
)
SKILLS = ("menjahit", "mengelas", "memasak", "membubut", "menyablon", "merakit", "mengemas", "memperbaiki mesin", "membatik")
ORDINARY_PROFESSIONS = ("", "", "", "buruh pabrik", "karyawan swasta", "pekerja lepas", "ojek")
EXCLUDED_PROFESSIONS = ("asn", "tni", "polri", "kepala desa", "komisaris bumn")
UNCLEAR_PROFESSIONS = ("honorer sekolah", "penyuluh kontrak")
"""In neither list of the policy: a person has to read them. Staff of the demo approve the second and reject the first."""
EXCLUDING_AID = ("pkh", "bpnt", "subsidi_upah")
REGIONS = (
    *(
        ("32.73", 8),
        ("32.04", 7),
        ("32.16", 9),
        ("32.01", 8),
        ("32.71", 3),
        ("35.78", 8),
        ("35.15", 7),
        ("35.73", 3),
        ("35.26", 2),
    ),
    *(
        ("33.74", 7),
        ("33.72", 4),
        ("33.20", 3),
        ("33.28", 4),
        ("31.71", 4),
        ("31.73", 5),
        ("31.75", 5),
        ("36.71", 6),
        ("36.03", 6),
    ),
    *(
        ("34.71", 2),
        ("34.02", 2),
        ("12.71", 5),
        ("13.71", 2),
        ("14.71", 2),
        ("16.71", 3),
        ("18.71", 2),
        ("11.71", 1),
        ("51.71", 2),
    ),
    *(
        ("52.71", 1),
        ("53.71", 1),
        ("61.71", 1),
        ("63.71", 1),
        ("64.72", 1),
        ("65.71", 1),
        ("71.71", 1),
        ("73.71", 3),
        ("81.71", 1),
    ),
    *(("91.71", 1), ("93.01", 1), ("94.01", 1)),
)
"""Kemendagri codes with weights: roughly where industry and people are, and a few places without any incubator."""
EMPLOYER_KBLI = ("14111", "13112", "10710", "15202", "24101", "26391", "22220", "31001", "17021", "55110")
PLAN_KBLI = (
    *("10710", "10792", "10732", "10293", "14111", "14111", "14120", "15121", "31001", "16291", "32909", "25920", "20231"),
    *("17091", "23931", "27120", "47112", "56101"),
)
"""Mostly food and clothes; paper, ceramics and trade have no incubator anywhere."""
