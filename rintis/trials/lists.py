"""A list of a million people who were laid off, taken in from one file: how fast, in how much memory, and whether each line is there."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from openpyxl import Workbook

from rintis.bench.people import People
from rintis.bench.reconciling import audit
from rintis.runtime.databases import SERVICES
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.stack import Options as StackOptions
from rintis.runtime.stack import Stack
from rintis.runtime.state import ROOT, State
from shared.storage.sql import load_queries

SQL = load_queries("rintis.trials")
PUBLISHER = "kemnaker"
HEADINGS: Mapping[str, str] = {
    "NIK": "nik",
    "Nama Lengkap": "name",
    "Tanggal Lahir": "birth_date",
    "No HP": "phone",
    "Status": "employment_status",
    "Tanggal PHK": "layoff_on",
    "Perusahaan": "employer",
    "KBLI Perusahaan": "employer_kbli",
    "Kode Kabupaten": "regency",
}
"""A list's columns, with the field of a person that each holds."""
SPOILT_EVERY = 1_000
"""One line in so many has no name, and must be listed among the refused."""
LOOK_SECONDS = 0.5
EARLY_SHARE = 0.2
"""What the importer holds in its first fifth may be exceeded later by `GROWTH` at most: else its memory grows with the file."""
GROWTH = 1.1
SOME_REFUSED = 3
"""How `rintis import` ends where good lines went in and others were refused."""


class Form(StrEnum):
    """What the file is."""

    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Options:
    """How many lines, in what file."""

    lines: int = 1_000_000
    form: Form = Form.CSV
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. Megabytes are the importer's resident memory, at most: in its first fifth, and in all."""

    lines: int
    form: Form
    file_megabytes: float
    seconds: float
    lines_per_s: float
    early_megabytes: float
    most_megabytes: float
    evidence: int
    refused: int
    wrong: Mapping[str, int]
    """How many more there are than must be, by what was counted; empty where all is as it must be."""
    audit: Mapping[str, Any]

    @property
    def is_good(self) -> bool:
        """Whether every line is there, once, or listed, and memory did not grow with the file."""
        broken = self.wrong or any(self.audit.get(name, 1) for name in ("missing", "double", "stuck"))
        return not broken and self.most_megabytes <= GROWTH * self.early_megabytes

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "is_good": self.is_good}


async def play(state: State, options: Options, steps: Steps) -> Verdict:
    """Play it in a folder that the caller holds. Everything that was started is stopped again."""
    path = state.folder / f"daftar.{options.form}"
    with steps.step(f"Writing a list of {options.lines:,} lines"):
        write(path, options)
    stack = Stack(state, StackOptions(services=SERVICES), steps)
    try:
        await asyncio.to_thread(stack.start)
        with steps.step("rintis import"):
            told, looks = await _import(stack, path)
        with steps.step("rintis audit"):
            audited = await audit(stack)
        return _judge(options, path, told, looks, await _count(stack), audited)
    finally:
        await asyncio.to_thread(stack.stop)


def lines(options: Options) -> Iterator[list[str]]:
    """Yield the lines of a list: people that no other line names, and here and there one without a name. Pure."""
    people = (one.data for one in People(options.seed).take(2 * options.lines) if not one.is_bad and not one.is_repeat)
    for number, person in enumerate(islice(people, options.lines), 1):
        named = person if number % SPOILT_EVERY else person | {"name": ""}
        yield [str(named.get(field, "")) for field in HEADINGS.values()]


def write(path: Path, options: Options) -> None:
    """Write the list as CSV or as the only sheet of a workbook."""
    _write_sheet(path, lines(options)) if options.form is Form.XLSX else _write_text(path, lines(options))


def _write_text(path: Path, rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADINGS)
        writer.writerows(rows)


def _write_sheet(path: Path, rows: Iterable[Sequence[str]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Daftar")
    sheet.append(list(HEADINGS))
    for row in rows:
        sheet.append(row)
    book.save(path)


async def _import(stack: Stack, path: Path) -> tuple[dict[str, Any], list[tuple[float, int]]]:
    """Run `rintis import`; return what it says, and its memory: when how many bytes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "rintis", "import", str(path), "--kind", "layoffs", "--publisher", PUBLISHER, "--json"),
        cwd=ROOT,
        env={**os.environ, **stack.variables(), "RINTIS_STATE": str(stack.state.folder)},
        stdout=PIPE,
    )
    watching = asyncio.create_task(_watch(process))
    output, _ = await process.communicate()
    looks = await watching
    if process.returncode not in {0, SOME_REFUSED}:
        raise CannotStart(f"`rintis import` ended with exit status {process.returncode}.", "What it said stands above.")
    return json.loads(output), looks


async def _watch(process: Process) -> list[tuple[float, int]]:
    looks = []
    while process.returncode is None:
        try:
            looks.append((time.monotonic(), psutil.Process(process.pid).memory_info().rss))
        except psutil.NoSuchProcess:
            break
        await asyncio.sleep(LOOK_SECONDS)
    return looks


async def _count(stack: Stack) -> Mapping[str, int]:
    if stack.databases is None:
        raise CannotStart("The trial needs servers of its own.", "Unset DATABASE_URL_*.")
    connection = await asyncpg.connect(stack.databases.url("registration", "registration"))
    try:
        (row,) = await connection.fetch(SQL["count_list"])
        return dict(row)
    finally:
        await connection.close()


def _judge(
    options: Options,
    path: Path,
    told: Mapping[str, Any],
    looks: Sequence[tuple[float, int]],
    counted: Mapping[str, int],
    audited: Mapping[str, Any],
) -> Verdict:
    spoilt = options.lines // SPOILT_EVERY
    good = options.lines - spoilt
    verdicts = told["verdicts"]
    must = {"lines": options.lines, "refused": spoilt, "evidence": good, "preregistered": good, "submissions": good}
    found = {"lines": told["lines"], "refused": verdicts.get("malformed", 0), **counted}
    early, most = peaks(looks)
    return Verdict(
        lines=options.lines,
        form=options.form,
        file_megabytes=round(path.stat().st_size / 1e6, 1),
        seconds=told["seconds"],
        lines_per_s=round(told["lines"] / told["seconds"], 1),
        early_megabytes=early,
        most_megabytes=most,
        evidence=counted["evidence"],
        refused=verdicts.get("malformed", 0),
        wrong={name: found[name] - number for name, number in must.items() if found[name] != number},
        audit=audited,
    )


def peaks(looks: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Return the most memory in the first fifth of the time, and in all of it, in megabytes. Pure."""
    first, last = looks[0][0], looks[-1][0]
    early = [size for at, size in looks if at <= first + EARLY_SHARE * (last - first)]
    return round(max(early) / 1e6, 1), round(max(size for _, size in looks) / 1e6, 1)
