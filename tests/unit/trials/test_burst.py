from itertools import islice
from pathlib import Path

from rintis.bench.loads import Load, OfRintis
from rintis.bench.people import People
from rintis.bench.reconciling import Reconciled
from rintis.trials.burst import Page, Verdict, read_calls


def test_every_registration_of_a_file_is_in_one_call_of_its_publisher(tmp_path: Path) -> None:
    people = list(islice(People(1).take(250), 250))
    load = Load(tmp_path / "load.tsv").write(OfRintis(), people)
    calls = read_calls(load.path, 40)
    assert sorted(item["reference"] for _, items in calls for item in items) == sorted(one.data["reference"] for one in people)
    publishers = {one.data["reference"]: one.publisher for one in people}
    assert all(publishers[item["reference"]] == publisher for publisher, items in calls for item in items)
    assert max(len(items) for _, items in calls) == 40
    assert sum(len(items) < 40 for _, items in calls) <= 2


def test_a_page_is_usable_where_nineteen_of_twenty_looks_are_quick() -> None:
    assert Page([0.1] * 19 + [9.0]).is_usable
    assert not Page([0.1] * 18 + [9.0] * 2).is_usable
    assert not Page().is_usable


def verdict(answers: dict[str, int], *, reconciled: Reconciled | None = None, is_settled: bool = True) -> Verdict:
    return Verdict(10, 5, 1.0, 2.0, answers, {}, {}, 0, True, is_settled, reconciled or Reconciled())


def test_a_burst_is_good_where_all_is_there_and_who_was_turned_away_was_told_when_to_come_back() -> None:
    assert verdict({"202": 5, "503": 7}).is_good
    assert not verdict({"202": 5, "503 without Retry-After": 1}).is_good
    assert not verdict({"202": 5, "TimeoutError": 1}).is_good
    assert not verdict({"202": 5}, is_settled=False).is_good
    assert not verdict({"202": 5}, reconciled=Reconciled(lost=1)).is_good
