from pathlib import Path

import pytest

from rintis.imports.columns import LineRefused, to_item
from rintis.imports.files import read_lines
from rintis.trials.lists import Form, Options, Verdict, lines, peaks, write


@pytest.mark.parametrize("form", list(Form))
def test_a_list_is_what_the_import_reads_and_names_nobody_twice(tmp_path: Path, form: Form) -> None:
    options = Options(lines=2_000, form=form)
    write(path := tmp_path / f"daftar.{form}", options)
    read, refused, people = 0, [], set()
    for line in read_lines(path, "layoffs"):
        read += 1
        try:
            people.add(to_item("layoffs", line.fields)["nik"])
        except LineRefused as error:
            refused.append(error.refusal.field)
    assert (read, refused, len(people)) == (2_000, ["name", "name"], 1_998)


def test_the_same_seed_writes_the_same_list() -> None:
    assert list(lines(Options(50))) == list(lines(Options(50))) != list(lines(Options(50, seed=2)))


def test_memory_is_compared_with_what_the_first_fifth_took() -> None:
    looks = [(float(at), (60 if at < 10 else 80) * 1_000_000) for at in range(101)]
    assert peaks(looks) == (80.0, 80.0)
    assert peaks([*looks, (102.0, 300_000_000)]) == (80.0, 300.0)


def verdict(most: float, wrong: dict[str, int] | None = None) -> Verdict:
    return Verdict(10, Form.CSV, 1.0, 1.0, 10.0, 80.0, most, 10, 0, wrong or {}, {"missing": 0, "double": 0, "stuck": 0})


def test_a_list_is_taken_in_well_where_every_line_is_there_and_memory_did_not_grow_with_it() -> None:
    assert verdict(88.0).is_good
    assert not verdict(95.0).is_good
    assert not verdict(80.0, {"evidence": -1}).is_good
