"""SQL that nobody runs is SQL that nobody keeps true."""

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from rintis.runtime.state import ROOT

PROGRAMS = ("shared", "services", "rintis", "bench")
LOADS = re.compile(r'load_queries\("([a-z.]+)"(?:, "([a-z_.]+)")?\)')
TAKES_FROM = re.compile(r"^from ([a-z_.]+) import [^\n]*\b(?:SQL|ACTIONS|LETTERS|FOLD)\b", re.MULTILINE)
NAMES = re.compile(r"^-- ([a-z_0-9]+) --$", re.MULTILINE)
BY_PREFIX = {"rintis/chaos/queries.sql": ("list_", "count_moving_")}
"""Statements that are chosen by a name put together while running."""


def sources() -> dict[str, str]:
    """Return every module's text by its dotted name."""
    paths = (path for program in PROGRAMS for path in (ROOT / program).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text("utf-8") for path in paths}


def users() -> dict[str, list[str]]:
    """Return the texts of the modules that can run each SQL file's statements: who loads it, who takes them from there, its neighbours."""
    texts, files, found = sources(), defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for module, text in texts.items():
        for package, name in LOADS.findall(text):
            files[module].append(f"{package.replace('.', '/')}/{name or 'queries.sql'}")
    for module, text in texts.items():
        for giver in (module, *TAKES_FROM.findall(text)):
            for file in files.get(giver, ()):
                found[file].append(text)
    for file, able in found.items():
        folder = file.rpartition("/")[0].replace("/", ".") + "."
        able += [text for module, text in texts.items() if module.startswith(folder)]
    return found


def statements() -> Iterator[tuple[str, str]]:
    for path in sorted(path for program in PROGRAMS for path in (ROOT / program).rglob("*.sql")):
        file = str(path.relative_to(ROOT))
        # What looks into a service is run as a whole, by whatever statements its file has.
        if "migrations" not in path.parts and not re.fullmatch(r"services/[a-z]+/audit\.sql", file):
            yield from ((file, name) for name in NAMES.findall(path.read_text("utf-8")))


def test_every_statement_is_run_by_somebody() -> None:
    able = users()
    unused = [
        f"{file}: {name}"
        for file, name in statements()
        if not name.startswith(BY_PREFIX.get(file, ("\0",))) and not any(f'"{name}"' in text for text in able[file])
    ]
    assert unused == []


def test_the_look_finds_statements_and_who_runs_them() -> None:
    assert ("shared/storage/queries.sql", "open_batch") in set(statements())
    assert any('"open_batch"' in text for text in users()["shared/storage/queries.sql"])


@pytest.mark.parametrize("file", sorted({file for file, _ in statements()}))
def test_every_file_of_statements_is_loaded(file: str) -> None:
    assert users()[file]
