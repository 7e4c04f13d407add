import json
from collections.abc import Callable
from datetime import date

import pytest

from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import IntakeEvent
from tests.acceptance.acceptance_stage import System, a_filing, a_permit, people
from tests.integration.messaging.messaging_stage import NOON

pytestmark = pytest.mark.slow

Headers = list[tuple[str, bytes | None]]
Record = tuple[str, bytes | None, bytes | None, Headers]
Spoil = Callable[[Record], Record]

HOSTILE = 50
MEGABYTE = 1_000_000


def header(name: str, value: bytes | None) -> Spoil:
    return lambda r: (r[0], r[1], r[2], [(n, value if n == name else v) for n, v in r[3]])


def no_header(name: str) -> Spoil:
    return lambda r: (r[0], r[1], r[2], [(n, v) for n, v in r[3] if n != name])


def body(value: bytes | None) -> Spoil:
    return lambda r: (r[0], r[1], value, r[3])


def key(value: bytes | None) -> Spoil:
    return lambda r: (r[0], value, r[2], r[3])


BROKEN: list[tuple[Spoil, str]] = [
    (body(b"no json"), "body"),
    (body(b""), "body"),
    (body(None), "body"),
    (body(b"[1, 2]"), "body"),
    (body(b'"' + b"x" * MEGABYTE + b'"'), "body"),
    (no_header("ce_id"), "ce_id"),
    (no_header("ce_type"), "ce_type"),
    (no_header("ce_time"), "ce_time"),
    (no_header("ce_specversion"), "ce_specversion"),
    (header("ce_source", b"\xff\xfe"), "ce_source"),
    (header("ce_source", None), "ce_source"),
    (header("ce_type", b"id.rintis.intake.wedding.announced.v1"), "ce_type"),
    (key(b"another key"), "key"),
    (key(None), "key"),
]
"""What breaks envelope or schema, with the field that the dead letter must name."""


def record(event: IntakeEvent, number: int, publisher: str) -> Record:
    envelope = Envelope(f"{event.TYPE}-{number}", f"https://{publisher}.example", event.TYPE, NOON)
    return f"{event.TOPIC}.{publisher}", event.key().encode(), event.model_dump_json().encode(), list(headers_of(envelope))


def between(good: list[IntakeEvent], publisher: str) -> tuple[list[Record], list[str]]:
    """Return fifty hostile records between the good ones, and the fields that their dead letters must name."""
    records, fields = [], []
    for number in range(HOSTILE):
        event = good[number % len(good)]
        spoil, named = BROKEN[number % len(BROKEN)]
        if number < len(good):
            records.append(record(good[number], number, publisher))
        records.append(spoil(record(event, 1000 + number, publisher)))
        fields.append(named)
    return records, fields


async def test_hostile_records_on_every_intake_topic_cost_the_good_ones_nothing(system: System) -> None:
    system.up()
    crowd = people(60)
    pids = {name: process.pid for name, process in system.processes.items()}
    registrations = [person.registration() for person in crowd[:20]]
    layoffs = [person.layoff() for person in crowd[20:40]]
    permits = [a_permit(number) for number in range(20)]
    filings = [a_filing(number, date(2020, 5, 8)) for number in range(20)]
    named: dict[str, list[str]] = {}
    for events, publisher in ((registrations, "kemnaker"), (layoffs, "kemnaker"), (permits, "siinas"), (filings, "siinas")):
        records, fields = between(list(events), publisher)
        named[events[0].TOPIC] = fields
        await system.send_raw(records)
    wrong = [
        crowd[40].registration(nik="32730152048900AB"),
        crowd[41].registration(birth_date=date(2090, 1, 1)),
        crowd[42].registration(layoff_on=date(2090, 1, 1)),
    ]
    await system.send(wrong)
    after = [person.registration() for person in crowd[43:60]]
    await system.send(after)

    verdict = await system.drained(20 + 3 + 17)

    assert not verdict.count("missing") + verdict.count("double") + verdict.count("stuck"), verdict.as_dict()
    for topic, fields in named.items():
        service = "registration" if topic in {"intake.registrations", "intake.layoffs"} else "reporting"
        dead = await system.rows(service, f"select field from dead_letters where topic like '{topic}%'")
        assert sorted(str(row["field"]) for row in dead) == sorted(fields), topic
    outcomes = await system.rows(
        "registration", "select kind, verdict, count(*)::int as n from submissions group by 1, 2 order by 1, 2"
    )
    assert [(row["kind"], row["verdict"], row["n"]) for row in outcomes] == [
        ("layoff", "evidence", 20),
        ("registration", "accepted", 37),
        ("registration", "refused", 3),
    ]
    reasons = await system.rows(
        "registration", "select jsonb_array_length(reasons) as n from submissions where verdict = 'refused'"
    )
    assert all(row["n"] >= 1 for row in reasons)
    assert await system.count("reporting", "select count(*) from permits") == 20
    assert await system.count("reporting", "select count(*) from filings") == 20
    assert await system.count("eligibility", "select count(*) from decisions") == 37
    assert {name: process.pid for name, process in system.processes.items()} == pids
    assert all(process.exit_code is None for process in system.processes.values())
    await nothing_personal_in_dead_letters(system, [person.name for person in crowd])


async def nothing_personal_in_dead_letters(system: System, names: list[str]) -> None:
    for service in ("registration", "reporting"):
        letters = await system.rows(service, "select * from dead_letters")
        text = json.dumps(letters, default=lambda value: value.decode("latin-1") if isinstance(value, bytes) else str(value))
        assert not [name for name in names if name in text]
