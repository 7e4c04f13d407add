import re

import pytest

from rintis.runtime.state import ROOT

PAGE = (ROOT / "docs/guarantees.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\d+\. .+?)$\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
}


def test_there_are_eleven_guarantees() -> None:
    assert [title.split(".")[0] for title in SECTIONS] == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize("title", SECTIONS)
def test_a_guarantee_names_tests_that_exist_and_what_would_break_it(title: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", SECTIONS[title]))
    assert named
    assert named <= TESTS
    for part in ("- How:", "- Held by:", "- Broken by:"):
        assert part in SECTIONS[title]
