from __future__ import annotations

from datetime import date

import pytest

from services.reporting.domain import (
    PermitState,
    check_change,
    check_issue,
    check_revocation,
    issue,
    supervised_from,
)
from services.reporting.domain.identity import permit_id_of
from tests.unit.reporting.reporting_builders import a_permit

TODAY = date(2021, 8, 3)


@pytest.mark.parametrize(
    ("kbli", "regency", "issued_on", "codes"),
    [
        ("01134", "32.73", "2021-08-03", []),
        ("1134", "32.73", "2021-08-01", ["KBLI_INVALID"]),
        ("10710", "3273", "2021-08-01", ["REGENCY_INVALID"]),
        ("10710", "32.73", "2021-08-04", ["DATE_IN_FUTURE"]),
        ("x", "y", "9999-12-31", ["KBLI_INVALID", "REGENCY_INVALID", "DATE_IN_FUTURE"]),
    ],
)
def test_news_of_an_issued_permit_is_refused_with_every_reason(kbli: str, regency: str, issued_on: str, codes: list[str]) -> None:
    findings = check_issue(kbli=kbli, regency=regency, issued_on=date.fromisoformat(issued_on), today=TODAY)
    assert [finding.code for finding in findings] == codes


def test_a_change_without_a_regency_is_taken_and_one_with_a_wrong_regency_is_not() -> None:
    assert check_change(regency=None) == []
    assert [finding.code for finding in check_change(regency="Bandung")] == ["REGENCY_INVALID"]


def test_a_revocation_in_the_future_is_refused() -> None:
    assert check_revocation(revoked_on=TODAY, today=TODAY) == []
    assert check_revocation(revoked_on=date(2021, 8, 4), today=TODAY) != []


def test_supervision_begins_when_the_permit_is_known_and_not_before_it_was_issued() -> None:
    assert supervised_from(date(2020, 5, 1), TODAY) == TODAY
    assert supervised_from(TODAY, TODAY) == TODAY


def test_news_of_a_permit_that_stands_renews_its_data_and_not_its_days() -> None:
    known = a_permit(issued_on=date(2021, 7, 1))
    renewed = issue(known, a_permit(issued_on=date(2021, 8, 1), workers=7))
    assert renewed is not None
    assert (renewed.workers, renewed.issued_on, renewed.supervised_from) == (7, known.issued_on, known.supervised_from)
    assert renewed.company_version == known.company_version + 1


def test_a_revoked_permit_stands_again_only_when_issued_after_its_revocation() -> None:
    revoked = a_permit().revoke(TODAY)
    assert issue(revoked, a_permit(issued_on=date(2021, 8, 1))) is None
    again = issue(revoked, a_permit(issued_on=date(2021, 8, 17)))
    assert again is not None
    assert (again.state, again.revoked_on) == (PermitState.ACTIVE, None)


def test_a_second_revocation_changes_nothing() -> None:
    revoked = a_permit().revoke(TODAY)
    assert revoked.revoke(date(2021, 8, 10)) == revoked


def test_absent_fields_of_a_change_stay_as_they_were() -> None:
    permit = a_permit()
    assert permit.change(regency=None, workers=None, company=None) == permit
    assert permit.change(regency=None, workers=None, company="v1.other").company_version == permit.company_version + 1


def test_a_permit_number_always_gives_the_same_id() -> None:
    assert permit_id_of("IOMKI-0001") == permit_id_of("IOMKI-0001") != permit_id_of("IOMKI-0002")
