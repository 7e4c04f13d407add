import pytest

from rintis.imports.columns import LineRefused, match_headings, missing_columns, to_item

LINE = {
    "nik": "0173015204890007",
    "name": " Wulan Sekarningrum ",
    "birth_date": "12-04-1989",
    "regency": "32.73",
    "employment_status": "PHK",
    "layoff_on": "2020-04-06",
    "employer": "PT Sandang",
}


@pytest.mark.parametrize(
    ("heading", "field"),
    [("NIK", "nik"), ("Nama Lengkap", "name"), ("Tgl. Lahir", "birth_date"), ("no_hp", "phone"), ("kode kabupaten", "regency")],
)
def test_headings_are_known_in_both_languages_and_any_case(heading: str, field: str) -> None:
    assert match_headings([heading]) == {heading: field}


@pytest.mark.parametrize("heading", ["No", "Nomor", "Catatan", ""])
def test_a_running_number_and_what_nobody_knows_are_no_columns(heading: str) -> None:
    assert match_headings([heading]) == {}


def test_the_columns_that_a_kind_of_file_needs_are_named() -> None:
    assert missing_columns("layoffs", ["nik", "name", "employer"]) == ["employment_status", "layoff_on"]
    assert missing_columns("registrations", list(LINE)) == []


def test_a_line_becomes_an_item_in_the_contracts_words() -> None:
    more = {"skills": "menjahit| memasak", "in_formal_education": "Tidak", "dependants": "2", "plan_kbli": "01111", "email": " "}

    item = to_item("registrations", LINE | more | {"reference": "D-1"})

    assert item == {
        **LINE,
        "reference": "D-1",
        "name": "Wulan Sekarningrum",
        "birth_date": "1989-04-12",
        "employment_status": "phk",
        "skills": ["menjahit", "memasak"],
        "in_formal_education": False,
        "dependants": 2,
        "business_plan": {"kbli": "01111", "description": ""},
    }


def test_a_line_without_a_reference_is_named_by_its_content() -> None:
    first, again, other = (to_item("layoffs", line) for line in (LINE, dict(reversed(LINE.items())), LINE | {"name": "Budi"}))

    assert first["reference"] == again["reference"] != other["reference"]
    assert 1 <= len(first["reference"]) <= 100


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"nik": " "}, "nik", "MISSING"),
        ({"birth_date": "31-02-1989"}, "birth_date", "NOT_A_DATE"),
        ({"layoff_on": "kemarin"}, "layoff_on", "NOT_A_DATE"),
        ({"dependants": "dua"}, "dependants", "NOT_A_NUMBER"),
        ({"dependants": "²"}, "dependants", "NOT_A_NUMBER"),
        ({"in_formal_education": "mungkin"}, "in_formal_education", "NOT_YES_OR_NO"),
        ({"employer": "x" * 201}, "employer", "TOO_LONG"),
        ({"reference": "x" * 101}, "reference", "TOO_LONG"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_field_code_and_remedy(change: dict[str, str], field: str, code: str) -> None:
    with pytest.raises(LineRefused) as refused:
        to_item("registrations", LINE | change)

    assert (refused.value.refusal.field, refused.value.refusal.code) == (field, code)
    assert refused.value.refusal.remedy
