import json
import re
from dataclasses import replace
from pathlib import Path

from rintis.chaos.judgement import KINDS
from rintis.chaos.report import Story, write_report

CLEAN: dict[str, int] = {**dict.fromkeys(KINDS, 0)}


def a_story(**figures: object) -> Story:
    faults = [{"kind": "kafka-kill", "began": 1002.0, "ended": 1004.0, "recovery": 1.5, "note": "<b>killed</b>"}]
    kinds = {"kafka-kill": {"count": 1, "recovery_median_seconds": 1.5, "recovery_worst_seconds": 1.5, "not_recovered": 0}}
    plain = {"seed": 7, "faults": 1, "accepted": 300, "kinds": kinds, **CLEAN}
    recoveries = {"kafka-kill": [1.5]}
    return Story("Seed 7", plain | figures, faults, recoveries, [1000.0, 1001.0, 1005.0], [1001.0, 1006.0], at=1000.0)


def test_a_report_needs_nothing_beside_it_and_says_its_verdict_first(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", [a_story()])

    page = (tmp_path / "report.html").read_text()
    assert page.index("Everything that is promised held.") < page.index("<table")
    assert "<script" not in page
    assert "http" not in page
    assert "<svg" in page
    assert "&lt;b&gt;killed&lt;/b&gt;" in page


def test_what_was_found_is_named_in_the_verdict(tmp_path: Path) -> None:
    found = [{"kind": "lost", "what": "event_without_decision", "count": 2, "examples": ["a-1"]}]

    write_report(tmp_path / "report.html", [a_story(lost=2, found=found)])

    page = (tmp_path / "report.html").read_text()
    assert "Not held, or not counted: lost." in page
    assert "a-1" in page


def test_a_simulator_that_erred_itself_spoils_the_verdict(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"

    write_report(tmp_path / "report.html", [a_story(simulator_errors=3)], history=history)

    assert json.loads(history.read_text())["simulator_errors"] == 3
    assert "Not held, or not counted: errors of the simulators themselves" in (tmp_path / "report.html").read_text()


def test_a_run_that_was_never_counted_is_not_called_good(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", [Story("Seed 8", {"seed": 8, "faults": 3})])

    assert "Everything that is promised held." not in (tmp_path / "report.html").read_text()


def test_runs_of_other_days_are_added_up(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    for _ in range(3):
        write_report(tmp_path / "report.html", [a_story(faults=200)], history=history)

    assert "3 runs in all, 600 faults, 900 events accepted." in (tmp_path / "report.html").read_text()
    assert [json.loads(line)["seed"] for line in history.read_text().splitlines()] == [7, 7, 7]


def test_parts_of_a_plan_are_told_by_their_first_fault(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    history.write_text(json.dumps({"title": "Seed 7", "seed": 7, "faults": 68, "accepted": 10, **CLEAN}) + "\n")

    write_report(tmp_path / "report.html", [a_story(first_fault=69, faults=132)], history=history)

    page = (tmp_path / "report.html").read_text()
    rows = re.findall(r"<tr>(.*?)</tr>", page[page.index("All runs") : page.index("All faults")])
    parts = [re.findall(r"<td[^>]*>([^<]*)</td>", row)[3:5] for row in rows]
    assert [part for part in parts if part] == [["1", "68"], ["69", "132"]]


def test_recoveries_of_all_runs_are_told_by_kind_of_fault(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    for seconds in (2.0, None, 8.0):
        write_report(tmp_path / "report.html", [replace(a_story(), recoveries={"kafka-stop": [seconds]})], history=history)

    page = (tmp_path / "report.html").read_text()
    row = page[page.index("All faults") :]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row[: row.index("</table>")])
    assert cells == ["kafka-stop", "3", "5.0", "8.0", "1"]
