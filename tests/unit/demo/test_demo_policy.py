"""The policy stated once more: one person per rule."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rintis.demo.policy import Reference, expect, load_reference, staff_outcome
from rintis.demo.population import Registration

ON = date(2020, 5, 11)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(ROOT / "policies")


def a_registration(*, is_listed: bool = True, **changes: Any) -> Registration:
    data: dict[str, Any] = {
        "reference": "R-1",
        "birth_date": "1990-02-01",
        "regency": "32.73",
        "citizenship": "WNI",
        "employment_status": "phk",
        "layoff_on": "2020-04-01",
        "employer_kbli": "24101",
        "layoff_letter": "1/HRD",
        "profession": "",
        "in_formal_education": False,
        "other_aid": [],
        "dependants": 1,
        "skills": [],
        "business_plan": {"kbli": "10710"},
    }
    return Registration(data | changes, "kafka", "kemnaker", is_listed=is_listed)


def without(registration: Registration, field: str) -> Registration:
    return replace(registration, data={name: value for name, value in registration.data.items() if name != field})


def test_a_laid_off_baker_with_a_plan_gets_a_seat(reference: Reference) -> None:
    expected = expect(a_registration(), reference, ON)
    assert expected.outcome == "confirmed"
    assert expected.destination == "seat"
    assert expected.reasons == (
        *("laid_off", "layoff_letter", "on_layoff_list", "dependants_some", "business_plan", "plan_in_industry"),
        *("region_hit_hard", "recent_layoff"),
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"birth_date": "2002-09-01"}, "age_under_18"),
        ({"citizenship": "WNA"}, "not_wni"),
        ({"in_formal_education": True}, "in_formal_education"),
        ({"profession": "polri"}, "profession_excluded"),
        ({"other_aid": ["pkh"]}, "receives_other_aid"),
    ],
)
def test_each_exclusion_denies_whatever_else_speaks_for_the_person(
    reference: Reference, changes: dict[str, Any], reason: str
) -> None:
    expected = expect(a_registration(**changes), reference, ON)
    assert (expected.outcome, expected.reasons) == ("denied", (reason,))


def test_a_layoff_without_letter_or_list_is_for_a_person_to_decide(reference: Reference) -> None:
    unproven = without(a_registration(is_listed=False), "layoff_letter")
    expected = expect(unproven, reference, ON)
    assert (expected.outcome, expected.reasons, expected.review) == ("review", ("layoff_unproven",), "approved")
    assert expect(replace(unproven, is_listed=True), reference, ON).outcome == "confirmed"


def test_below_the_bar_is_denied(reference: Reference) -> None:
    weak = without(a_registration(employment_status="dirumahkan", is_listed=False, layoff_on="2019-11-04"), "business_plan")
    assert expect(without(weak, "layoff_letter"), reference, ON).reasons == ("score_below_bar",)


@pytest.mark.parametrize(
    ("changes", "destination"),
    [
        ({"business_plan": None}, "bdi_jakarta"),
        ({"business_plan": {"kbli": "17091"}}, "bdi_jakarta"),
        ({"business_plan": {"kbli": "32909"}, "regency": "81.71"}, "kartu_prakerja"),
        ({"business_plan": None, "regency": "93.01"}, "kartu_prakerja"),
    ],
)
def test_whom_no_incubator_fits_is_sent_elsewhere(reference: Reference, changes: dict[str, Any], destination: str) -> None:
    assert expect(a_registration(**changes), reference, ON).destination == destination


def test_staff_decide_by_what_they_read() -> None:
    assert staff_outcome("honorer sekolah", 3) == "rejected"
    assert staff_outcome("penyuluh kontrak", 0) == "approved"
    assert (staff_outcome("", 0), staff_outcome("", 2)) == ("rejected", "approved")
