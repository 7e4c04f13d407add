from __future__ import annotations

from collections import Counter
from typing import get_args

import pytest

from services.notification.domain.tasks import KINDS, Staff, choose_assignee, kinds_for
from shared.contracts.notification import TaskKind


def a_person(name: str, *regions: str, role: str = "reviewer") -> Staff:
    return Staff(name, frozenset({role}), frozenset(regions))


REGENCY = [a_person("ani", "32.73"), a_person("budi", "32.73")]
PROVINCE = [a_person("citra", "32")]
MINISTRY = [a_person("dewi", "*")]


def chosen(staff: list[Staff], load: dict[str, int] | None = None, kind: str = "eligibility_review") -> str | None:
    return choose_assignee(kind, "32.73", staff, load or {})


def test_staff_of_the_regency_with_the_least_load_come_first() -> None:
    assert chosen(REGENCY + PROVINCE + MINISTRY, {"ani": 2, "budi": 1}) == "budi"


def test_a_free_colleague_of_the_province_does_not_outrank_the_regency() -> None:
    assert chosen(REGENCY + PROVINCE, {"ani": 9, "budi": 9}) == "ani"


def test_without_staff_of_the_regency_the_province_is_asked_and_then_the_ministry() -> None:
    assert chosen(PROVINCE + MINISTRY) == "citra"
    assert chosen(MINISTRY) == "dewi"


def test_another_regency_and_another_role_are_never_asked() -> None:
    assert chosen([a_person("eko", "32.04"), a_person("fitri", "32.73", role="pembina")]) is None


def test_filing_validation_goes_to_a_pembina() -> None:
    staff = [*REGENCY, a_person("fitri", "*", role="pembina")]
    assert chosen(staff, kind="filing_validation") == "fitri"


def test_a_hundred_tasks_are_shared_evenly() -> None:
    load: Counter[str] = Counter()
    for _ in range(100):
        person = chosen(REGENCY, load)
        assert person
        load[person] += 1
    assert load == {"ani": 50, "budi": 50}


@pytest.mark.parametrize(
    ("role", "kinds"),
    [("reviewer", {"eligibility_review"}), ("pembina", {"filing_validation"}), ("staff", set(KINDS)), ("publisher", set())],
)
def test_roles_say_which_kinds_of_task_somebody_may_do(role: str, kinds: set[str]) -> None:
    assert set(kinds_for({role})) == kinds


def test_every_kind_of_the_contract_can_be_routed() -> None:
    assert set(KINDS) == set(get_args(TaskKind))
