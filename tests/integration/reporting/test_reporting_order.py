"""Whatever comes from whom in which order, by however many processes: the ledger in PostgreSQL ends as it must."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest

from services.reporting.domain import Calendar
from services.reporting.handlers.deadlines import close_periods
from shared.contracts.intake import FilingSubmitted
from tests.integration.inside_statements import inside_statements
from tests.integration.reporting.reporting_setup import CONSUMERS, NUMBER, TUESDAY, Office, issued, submitted, wib

pytestmark = pytest.mark.servers

AUDIT = inside_statements("reporting")
NUMBERS = [f"P-{n}" for n in range(8)]
LAST = date(2021, 9, 24)
"""Past the change from two reports a week to one."""
END = wib("2021-09-25T12:00")
MINUTES = 60 * 24

Arrival = tuple[datetime, FilingSubmitted]


def arrivals_of(dice: random.Random, calendar: Calendar) -> list[Arrival]:
    """Return reports as two publishers send them: in time, late, wrong, twice or not at all."""
    made: list[Arrival] = []
    for number in NUMBERS:
        for due_on in calendar.due_days(TUESDAY, LAST):
            for _ in range(dice.choice((0, 1, 1, 2))):
                earliest = max(MINUTES * (calendar.period_begins_on(due_on) - due_on).days, -2 * MINUTES)
                at = wib(f"{due_on}T00:00") + timedelta(minutes=dice.randint(earliest, 3 * MINUTES))
                if at < END:
                    pedulilindungi = True if due_on >= date(2021, 9, 10) else None
                    report = submitted(due_on, number, uses_pedulilindungi=pedulilindungi, is_declared_true=dice.random() > 0.2)
                    made.append((at, report))
    return sorted(made, key=lambda arrival: arrival[0])


@pytest.mark.parametrize("seed", [1, 20210727, 20210910])
async def test_each_period_ends_as_it_must_whatever_is_read_first(office: Office, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a repeatable run, no secret
    calendar = office.desk.rules.calendar
    arrivals = arrivals_of(dice, calendar)
    await office.hear(*(issued(number) for number in NUMBERS))
    queues: dict[str, list[Arrival]] = {"siinas": [], "oss": []}
    for at, report in arrivals:
        queues[dice.choice(("siinas", "oss"))].append((at, report))
        if dice.random() < 0.3:
            await office.fill(at)
            await read_some(office, dice, queues)
            await office.close(min([queue[0][0] for queue in queues.values() if queue] or [at]))
    while any(queues.values()):
        await read_some(office, dice, queues)
    await office.fill(END)
    await office.close(END)
    assert await outcomes(office) == expected(calendar, arrivals), f"seed {seed}"
    assert [await office.rows(statement, *values) for statement, values in AUDIT.values()] == [[]] * len(AUDIT)


async def read_some(office: Office, dice: random.Random, queues: dict[str, list[Arrival]]) -> None:
    """Read a few records of each topic, each topic in its order."""
    for publisher, queue in queues.items():
        for _ in range(dice.randint(0, min(6, len(queue)))):
            at, report = queue.pop(0)
            await office.hear(report, at=at, publisher=publisher)


async def outcomes(office: Office) -> dict[tuple[str, date], tuple[str, bool, int]]:
    """Return what the ledger says of each period until the end."""
    rows = await office.rows(
        "select number, due_on, e.state, missed_at is not null, versions from expected_filings e join permits using (permit_id)"
        " where deadline < $1",
        END,
    )
    return {(number, due_on): (state, missed, versions) for number, due_on, state, missed, versions in rows}


def expected(calendar: Calendar, arrivals: list[Arrival]) -> dict[tuple[str, date], tuple[str, bool, int]]:
    """Say from what was sent alone what each period must have become."""
    good: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for at, report in arrivals:
        if report.is_declared_true:
            good[report.permit_number, report.due_on].append(at)
    result: dict[tuple[str, date], tuple[str, bool, int]] = {}
    for number in NUMBERS:
        for due_on in calendar.due_days(TUESDAY, LAST):
            times = good[number, due_on]
            is_filed = any(at <= calendar.deadline(due_on) for at in times)
            state = "filed" if is_filed else "late" if times else "missed"
            result[number, due_on] = (state, not is_filed, len(times))
    return result


async def test_several_processes_close_a_period_once(office: Office) -> None:
    await office.hear(*(issued(number) for number in NUMBERS))
    await office.fill()
    wednesday = wib("2021-08-04T00:00")
    await asyncio.gather(*(close_periods(office.at(wednesday), wednesday, CONSUMERS) for _ in range(4)))
    await office.close(wednesday)
    assert await office.rows("select count(*), count(distinct permit_id) from warnings") == [(8, 8)]
    assert sorted(await office.said()) == ["filing.missed"] * 8 + ["permit.warned"] * 8


async def test_closing_waits_for_nobody_who_is_filing(office: Office) -> None:
    await office.hear(issued())
    await office.fill()
    wednesday = wib("2021-08-04T00:00")
    async with office.desk.database.transaction() as tx:
        await tx.execute("select from permits where number = $1 for update", NUMBER)
        await asyncio.wait_for(close_periods(office.at(wednesday), wednesday, CONSUMERS), timeout=5)
        assert (await office.ledger())[TUESDAY] == "expected"
    await office.close(wednesday)
    assert (await office.ledger())[TUESDAY] == "missed"
