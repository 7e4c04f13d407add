from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zen

from services.eligibility.domain import Match, Outcome, judge, sector_of, view_for_rules
from services.eligibility.policies import Policy, PolicyBook, RowUnclear
from tests.unit.eligibility.eligibility_builders import BOOK, FOLDER, MAY_20, POLICY, REFERENCE, an_applicant, decide

ROOT = Path(__file__).parents[3]
DENIED, REVIEW, CONFIRMED = Outcome.DENIED, Outcome.REVIEW, Outcome.CONFIRMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"birth_date": date(2002, 5, 21)}, "age_under_18"),
        ({"citizenship": "WNA"}, "not_wni"),
        ({"in_formal_education": True}, "in_formal_education"),
        ({"profession": "ASN"}, "profession_excluded"),
        ({"profession": " Kepala Desa "}, "profession_excluded"),
        ({"other_aid": ("PKH",)}, "receives_other_aid"),
        ({"other_aid": ("lainnya", "subsidi_upah")}, "receives_other_aid"),
    ],
)
def test_each_exclusion_denies_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    judgement = decide(**changes)
    assert (judgement.outcome, judgement.reasons) == (DENIED, (reason,))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"has_layoff_letter": False}, "layoff_unproven"),
        ({"profession": "konsultan spiritual"}, "profession_unclear"),
        ({"layoff_on": date(2020, 5, 21)}, "layoff_in_future"),
    ],
)
def test_what_is_unclear_goes_to_a_person(changes: dict[str, Any], reason: str) -> None:
    judgement = decide(**changes)
    assert (judgement.outcome, judgement.reasons) == (REVIEW, (reason,))


def test_an_exclusion_outweighs_a_doubt() -> None:
    assert decide(has_layoff_letter=False, citizenship="WNA").reasons == ("not_wni",)


def test_every_exclusion_that_holds_is_named() -> None:
    assert decide(citizenship="WNA", in_formal_education=True).reasons == ("not_wni", "in_formal_education")


def test_eighteenth_birthday_is_old_enough_and_the_day_before_is_not() -> None:
    assert decide(birth_date=date(2002, 5, 20)).outcome is CONFIRMED
    assert decide(birth_date=date(2002, 5, 21)).outcome is DENIED


def test_a_layoff_list_proves_a_layoff_and_scores_high() -> None:
    by_letter, by_list = decide(), decide(has_layoff_letter=False, layoff_lists=("kemnaker",))
    assert by_list.outcome is CONFIRMED
    assert by_list.score == by_letter.score + 10


def test_furloughed_workers_come_after_those_who_lost_their_job() -> None:
    assert decide(employment_status="dirumahkan").score == decide().score - 10


@pytest.mark.parametrize(
    ("changes", "score"),
    [
        ({}, 85),
        ({"dependants": 0}, 80),
        ({"dependants": 3}, 90),
        ({"skills": ()}, 80),
        ({"has_plan": False, "plan_kbli": None}, 65),
        ({"plan_kbli": "47111"}, 80),
        ({"province": "51"}, 80),
        ({"employer_kbli": "10710"}, 80),
        ({"layoff_on": date(2020, 1, 2)}, 80),
    ],
)
def test_points_add_up(changes: dict[str, Any], score: int) -> None:
    assert decide(**changes).score == score


def test_a_score_at_the_bar_is_enough_and_one_below_is_not() -> None:
    at = [Match("R1", "a", "points", 40)]
    below = [Match("R1", "a", "points", 39)]
    assert judge(at, 40).outcome is CONFIRMED
    assert (judge(below, 40).outcome, judge(below, 40).reasons) == (DENIED, ("score_below_bar",))


def test_somebody_for_whom_little_speaks_is_below_the_bar() -> None:
    little: dict[str, Any] = {
        "employment_status": "dirumahkan",
        "has_layoff_letter": False,
        "dependants": 0,
        "skills": (),
        "has_plan": False,
    }
    judgement = decide(**little, plan_kbli=None, province="51", employer_kbli=None)
    assert (judgement.outcome, judgement.reasons) == (DENIED, ("score_below_bar",))


def test_the_policy_of_the_day_is_used_and_the_first_one_before_it() -> None:
    later = type(POLICY).__new__(type(POLICY))
    later.__dict__.update(vars(POLICY) | {"name": "wub@2020-06-01", "valid_from": date(2020, 6, 1)})
    book = PolicyBook((POLICY, later), {})
    days = (date(2020, 5, 1), date(2020, 5, 31), date(2020, 6, 1), date(2021, 1, 1))
    assert [book.in_force(day).name[-5:] for day in days] == ["05-08", "05-08", "06-01", "06-01"]


def test_every_input_of_the_table_is_given() -> None:
    view = view_for_rules(an_applicant(plan_kbli=None, employer_kbli=None), MAY_20, POLICY.professions, REFERENCE.catalog.sectors)
    assert None not in view.values()
    assert set(view) == {
        *("age", "citizenship", "employment_status", "in_formal_education", "profession_kind", "other_aid", "has_layoff_letter"),
        *("layoff_lists", "days_since_layoff", "dependants", "skills", "has_plan", "plan_sector", "employer_sector", "province"),
    }


def test_every_rule_has_a_source_a_known_effect_and_a_sentence() -> None:
    assert len(POLICY.rows) >= 12
    for row in POLICY.rows:
        assert len(row["_description"]) > 20
        assert row["effect"] in ("'deny'", "'review'", "'points'", "'note'")
    assert all(re.match(r"[A-Z].*\.$", sentence) for sentence in BOOK.say(POLICY.codes))


def test_the_stated_policy_names_the_rules_codes_effects_and_bar_of_the_table() -> None:
    statement = (ROOT / "policies" / "eligibility" / "README.md").read_text("utf-8")
    stated = re.findall(r"^\| (R\d+) \| `(\w+)` \| .* \| ([\w ]+) \|$", statement, re.MULTILINE)
    assert stated == [(row["_id"], row["code"].strip("'"), _effect_in_words(row)) for row in POLICY.rows]
    assert f"the bar of **{POLICY.bar}**" in statement


def _effect_in_words(row: Mapping[str, str]) -> str:
    effect = row["effect"].strip("'")
    return {"points": row["points"], "note": "note only"}.get(effect, effect)


def test_people_are_decided_in_a_set_as_the_published_table_decides_each_alone() -> None:
    data = json.loads((FOLDER / f"{POLICY.name}.json").read_text("utf-8"))
    published = zen.ZenEngine({"loader": {"type": "static", "content": {"table": data["table"]}}})
    changes: list[dict[str, Any]] = [{}, {"citizenship": "WNA", "other_aid": ("pkh",)}, {"profession": "?"}, {"dependants": 5}]
    sectors = REFERENCE.catalog.sectors
    views = [view_for_rules(an_applicant(**change), MAY_20, POLICY.professions, sectors) for change in changes]
    alone = [[Match(**row) for row in published.evaluate("table", view)["result"]] for view in views]
    assert POLICY.evaluate(views) == alone
    assert len({tuple(matches) for matches in alone}) == len(changes)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({"points": "dependants * 5"}, "points of the policy's row '.*' is dependants"),
        ({"code": "profession"}, "code of the policy's row '.*' is profession"),
        ({"rule": "'R02'"}, "two rows of the policy are called R02"),
    ],
)
def test_a_policy_with_a_row_that_says_nothing_constant_of_its_own_is_not_taken(cell: dict[str, str], said: str) -> None:
    data = json.loads((FOLDER / f"{POLICY.name}.json").read_text("utf-8"))
    table = next(node for node in data["table"]["nodes"] if node["type"] == "decisionTableNode")
    table["content"]["rules"][0] |= cell
    with pytest.raises(RowUnclear, match=said):
        Policy(data, "")


def test_every_rule_can_match_and_can_fail_to() -> None:
    people: list[dict[str, Any]] = [
        {},
        {
            "birth_date": date(2010, 1, 1),
            "citizenship": "WNA",
            "in_formal_education": True,
            "profession": "tni",
            "other_aid": ("bpnt",),
        },
        {"has_layoff_letter": False, "profession": "?", "dependants": 5, "layoff_on": date(2020, 12, 1), "has_plan": False},
        {"employment_status": "dirumahkan", "layoff_lists": ("kemnaker",), "skills": (), "employer_kbli": None, "province": "51"},
    ]
    matched = [set(decide(**changes).rules) for changes in people]
    rules = {row["_id"] for row in POLICY.rows}
    assert set.union(*matched) == rules
    assert set.intersection(*matched) == set()


def test_leading_zero_and_trade_are_no_sector_of_industry() -> None:
    sectors = REFERENCE.catalog.sectors
    assert [sector_of(kbli, sectors) for kbli in ("10710", "01111", "47111", "", None)] == ["pangan", None, None, None, None]


def test_an_applicant_never_shows_what_is_in_the_box() -> None:
    assert "1990" not in repr(an_applicant())
    assert "1990" not in str(replace(an_applicant(), province="11"))
