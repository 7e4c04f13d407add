from datetime import date
from typing import Any

import pytest

from services.registration.domain.reasons import REFUSALS, WARNINGS, Finding, in_words
from services.registration.domain.submissions import Claims, Nik, Reach, Regency, judge

TODAY = date(2020, 5, 11)
GOOD = Claims(
    nik=Nik("3273015204890007", (), (12, 4, 89)),
    name="Wulan Sekarningrum",
    birth_date=date(1989, 4, 12),
    layoff_on=date(2020, 4, 6),
    employer="PT Sandang",
    regency=Regency("32.73"),
    employer_kbli="14111",
    plan_kbli="01111",
    kk="3273010908120013",
    reach=Reach("+6281200417889", None, is_phone_given=True, is_email_given=False),
)


def reasons(**changes: Any) -> list[tuple[str, str]]:
    return [(f.code, f.field) for f in judge(GOOD._replace(**changes), TODAY).reasons]


def warnings(**changes: Any) -> list[str]:
    return [f.code for f in judge(GOOD._replace(**changes), TODAY).warnings]


def test_what_is_right_has_neither_reason_nor_warning() -> None:
    assert reasons() == []
    assert warnings() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nik": Nik("", ("NIK_FORMAT",))}, ("NIK_FORMAT", "nik")),
        ({"name": "   "}, ("NAME_MISSING", "name")),
        ({"name": "12345"}, ("NAME_MALFORMED", "name")),
        ({"name": "Wulan\x00"}, ("NAME_MALFORMED", "name")),
        ({"name": "Wulan \ue000"}, ("NAME_MALFORMED", "name")),
        ({"birth_date": date(2020, 5, 12)}, ("BIRTH_DATE_FUTURE", "birth_date")),
        ({"birth_date": date(2007, 5, 12)}, ("AGE_IMPOSSIBLE", "birth_date")),
        ({"birth_date": date(1909, 5, 11)}, ("AGE_IMPOSSIBLE", "birth_date")),
        ({"layoff_on": date(2020, 5, 12)}, ("LAYOFF_FUTURE", "layoff_on")),
        ({"layoff_on": date(1999, 1, 1)}, ("LAYOFF_IMPOSSIBLE", "layoff_on")),
        ({"layoff_on": date(1959, 1, 1), "birth_date": None}, ("LAYOFF_IMPOSSIBLE", "layoff_on")),
        ({"regency": Regency("", "REGENCY_UNKNOWN")}, ("REGENCY_UNKNOWN", "regency")),
        ({"employer": " "}, ("EMPLOYER_MISSING", "employer")),
        ({"employer_kbli": "1411"}, ("EMPLOYER_KBLI_FORMAT", "employer_kbli")),
        ({"plan_kbli": "abcde"}, ("PLAN_KBLI_FORMAT", "business_plan.kbli")),
        ({"plan_kbli": ""}, ("PLAN_KBLI_FORMAT", "business_plan.kbli")),
        ({"plan_kbli": "١٢٣٤٥"}, ("PLAN_KBLI_FORMAT", "business_plan.kbli")),
    ],
)
def test_what_is_wrong_is_refused_with_its_field(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert reasons(**changes) == [expected]


def test_every_reason_is_found_at_once() -> None:
    found = reasons(nik=Nik("", ("NIK_FORMAT",)), name="", layoff_on=date(2030, 1, 1))
    assert found == [("NIK_FORMAT", "nik"), ("NAME_MISSING", "name"), ("LAYOFF_FUTURE", "layoff_on")]


@pytest.mark.parametrize("kbli", ["01111", "14111", "33200", "68130"])
def test_a_kbli_is_checked_for_its_form_only(kbli: str) -> None:
    assert reasons(employer_kbli=kbli) == []


def test_today_is_no_future() -> None:
    assert reasons(layoff_on=TODAY) == []


def test_somebody_of_thirteen_is_not_refused_here() -> None:
    assert reasons(birth_date=date(2007, 5, 11), layoff_on=TODAY) == []


def test_a_birth_date_other_than_the_niks_is_a_warning_only() -> None:
    assert reasons(birth_date=date(1989, 4, 13)) == []
    assert warnings(birth_date=date(1989, 4, 13)) == ["NIK_BIRTH_DATE_DIFFERS"]


def test_the_century_of_a_nik_is_taken_from_the_declared_birth_date() -> None:
    assert warnings(nik=Nik("3273011201040001", (), (12, 1, 4)), birth_date=date(2004, 1, 12)) == []


def test_no_contact_is_a_warning_only() -> None:
    nobody = Reach(None, None, is_phone_given=False, is_email_given=False)
    assert reasons(reach=nobody) == []
    assert warnings(reach=nobody) == ["NO_CONTACT"]


def test_contacts_of_no_use_are_named() -> None:
    useless = Reach(None, None, is_phone_given=True, is_email_given=True)
    assert warnings(reach=useless) == ["PHONE_UNUSABLE", "EMAIL_UNUSABLE", "NO_CONTACT"]


def test_a_line_of_a_list_needs_no_contact() -> None:
    assert warnings(reach=None) == []


def test_a_malformed_family_card_number_is_a_warning_only() -> None:
    assert reasons(kk="12") == []
    assert warnings(kk="12") == ["KK_UNUSABLE"]


def test_an_old_region_code_is_a_warning_only() -> None:
    assert warnings(regency=Regency("91.01", is_retired=True)) == ["REGENCY_RETIRED"]


@pytest.mark.parametrize("code", [*REFUSALS, *WARNINGS])
def test_every_code_has_a_sentence_and_a_remedy(code: str) -> None:
    [words] = in_words((Finding(code, "x"),))
    assert words["detail"].endswith(".")
    assert words["remedy"].endswith(".")


def test_a_code_of_the_contract_gets_the_general_sentence() -> None:
    [words] = in_words((Finding("schema_missing", "nik"),))
    assert "docs/publish.md" in words["remedy"]
