from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from rintis.operations.log import Log, open_log
from rintis.testing.kafka import EmbeddedKafka, KafkaForTests
from rintis.testing.postgres import EmbeddedPostgres, PostgresForTests
from tests.acceptance.acceptance_stage import Person, System, people

pytestmark = pytest.mark.slow

KNOWN = 20


def traces(person: Person) -> list[bytes]:
    """Return what would give a person away."""
    born = person.birth_date
    texts = [person.name, person.nik, born.isoformat(), f"{born:%d-%m-%Y}", person.phone, "+62" + person.phone[1:]]
    return [text.encode() for text in texts]


def found_in(data: bytes, wanted: list[bytes]) -> set[bytes]:
    return {trace for trace in wanted if trace in data}


def files_under(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_bytes()


async def everything_on(log: Log, pattern: str) -> bytes:
    """Return keys, headers and values of all records, decompressed."""
    parts: list[bytes] = []
    async for record in log.records(await log.partitions(pattern)):
        parts += [record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)]
    return b"\n".join(parts)


async def dumped(system: System) -> bytes:
    """Return every row of every table as text, whatever compression the files use."""
    parts: list[bytes] = []
    for name in ("REGISTRATION", "ELIGIBILITY", "NOTIFICATION", "REPORTING"):
        connection = await asyncpg.connect(system.environment[f"DATABASE_URL_{name}"])
        for table in await connection.fetch("select tablename from pg_tables where schemaname = 'public'"):
            parts += [str(row[0]).encode() for row in await connection.fetch(f'select t::text from "{table[0]}" as t')]
        await connection.close()
    return b"\n".join(parts)


async def test_twenty_known_people_are_found_on_the_intake_and_nowhere_else(
    system: System, kafka: KafkaForTests, postgres: PostgresForTests
) -> None:
    assert isinstance(kafka, EmbeddedKafka)
    assert isinstance(postgres, EmbeddedPostgres)
    system.up()
    known = people(KNOWN, seed=7)
    await system.send([person.registration() for person in known])
    await system.send([person.registration(nik="12345", reference=f"bad-{person.number}") for person in known[:5]])
    await system.send([person.layoff() for person in known])
    await system.send_raw(
        [("intake.registrations.kemnaker", b"k", f'{{"name": "{known[0].name}", "nik": "{known[0].nik}"'.encode(), [])]
    )
    await system.drained(KNOWN + 5)
    admin = await asyncpg.connect(postgres.url)
    await admin.execute("checkpoint")
    await admin.close()

    wanted = [trace for person in known for trace in traces(person)]
    names = {trace for person in known for trace in traces(person)[:2]}
    async with open_log(kafka.bootstrap) as log:
        intake = await everything_on(log, r"^intake\.")
        own = await everything_on(log, r"^(registration|eligibility|notification|reporting)\.")
    assert names <= found_in(intake, wanted)
    assert found_in(own, wanted) == set()
    assert found_in(await dumped(system), wanted) == set()
    for path, data in files_under(kafka.data):
        if "intake." not in str(path):
            assert found_in(data, wanted) == set(), path
    for path, data in files_under(postgres.data):
        assert found_in(data, wanted) == set(), path
    for path, data in files_under(system.start.servers.state.logs):
        assert found_in(data, wanted) == set(), path
    for process in system.processes.values():
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"{process.program.url}/metrics")
            assert found_in(answer.content, wanted) == set()
    received = b"".join(path.read_bytes() for path in system.received.values() if path.exists())
    assert found_in(received, [person.phone[1:].encode() for person in known]), (
        "the simulators, being outside, know their numbers"
    )
