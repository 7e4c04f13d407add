"""Arrays that are written by our own kinds arrive as the client itself would have sent them, and come back the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from asyncpg.pgproto import pgproto

from rintis.testing.postgres import PostgresForTests
from shared.storage import Database, Tx

pytestmark = pytest.mark.servers

ID, OTHER_ID = UUID("0190a1b2-c3d4-8e5f-8a6b-7c8d9e0f1a2b"), pgproto.UUID("ffffffff-ffff-8fff-bfff-ffffffffffff")
NOON, EARLIER = datetime(2026, 11, 28, 12, 0, 0, 123456, UTC), datetime(1912, 2, 29, 23, 59, 59, 999999, UTC)
IN_JAKARTA = datetime(2020, 5, 4, 7, 0, tzinfo=timezone(timedelta(hours=7)))
VALUES: list[tuple[str, list[Any]]] = [
    ("uuid", [ID, OTHER_ID]),
    ("text", ["a", "bb", "", "Ny. Wulan \N{SNOWMAN} Sekarningrum", 'a "quoted" {brace}, and a \\']),
    ("text", ["same", "size"]),
    ("bytea", [b"\x00\xff", b"", b"longer than the others"]),
    ("jsonb", ['{"a": [1, null]}', "[]"]),
    ("timestamptz", [NOON, EARLIER, IN_JAKARTA, NOON]),
    ("int8", [0, -1, 2**63 - 1, -(2**63)]),
    ("int4", [0, -1, 2**31 - 1, -(2**31)]),
    ("int2", [0, -1, 2**15 - 1, -(2**15)]),
]
CASES = [
    pytest.param(kind, given, id=f"{kind} {number} {name}")
    for number, (kind, values) in enumerate(VALUES)
    for name, given in {
        "all": values,
        "one": values[:1],
        "none": [],
        "null first": [None, *values],
        "nulls": [None, None],
    }.items()
]
WRONG: list[tuple[str, list[Any]]] = [
    ("uuid", [ID, 7]),
    ("text", ["a", 7]),
    ("text", ["a", b"b"]),
    ("bytea", [b"a", "b"]),
    ("jsonb", ["{}", {}]),
    ("timestamptz", [NOON, datetime(2026, 11, 28)]),  # noqa: DTZ001 - a time without its zone is what is refused
    ("timestamptz", [NOON, "2026-11-28"]),
    ("int8", [2**63]),
    ("int4", [2**31]),
    ("int2", [2**15]),
    ("int4", [1.5]),
    ("int4", ["1"]),
]


@pytest_asyncio.fixture
async def ours(postgres: PostgresForTests) -> AsyncIterator[Tx]:
    postgres.up()
    database = Database(postgres.url, name="test", size=1)
    await database.open()
    try:
        async with database.connection() as connection:
            yield connection
    finally:
        await database.close()


@pytest_asyncio.fixture
async def plain(postgres: PostgresForTests) -> AsyncIterator[Any]:
    postgres.up()
    connection = await asyncpg.connect(postgres.url, server_settings={"timezone": "UTC"})
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize(("kind", "values"), CASES)
async def test_an_array_arrives_as_the_client_itself_would_send_it(ours: Tx, plain: Any, kind: str, values: list[Any]) -> None:
    as_text = f"select $1::{kind}[]::text"

    assert await ours.fetchval(as_text, values) == await plain.fetchval(as_text, values)


@pytest.mark.parametrize(("kind", "values"), CASES)
async def test_an_array_comes_back_as_it_was_given(ours: Tx, plain: Any, kind: str, values: list[Any]) -> None:
    as_it_is = f"select $1::{kind}[]"

    found = await ours.fetchval(as_it_is, values)

    assert found == await plain.fetchval(as_it_is, values)
    assert found == values


@pytest.mark.parametrize(
    "given", [("a", "b"), {"a": 1, "b": 2}.keys(), {"a": "a", "b": "b"}.values()], ids=["tuple", "keys", "values"]
)
async def test_any_collection_is_taken(ours: Tx, given: Any) -> None:
    assert await ours.fetchval("select $1::text[]", given) == ["a", "b"]


@pytest.mark.parametrize(("kind", "values"), [pytest.param(*case, id=f"{case[0]} {case[1][-1]!r}") for case in WRONG])
async def test_what_is_no_such_element_is_refused_before_it_is_sent(ours: Tx, kind: str, values: list[Any]) -> None:
    for given in (values, [None, *values]):
        with pytest.raises(asyncpg.DataError, match=r"\$1"):
            await ours.fetchval(f"select $1::{kind}[]", given)

    assert await ours.fetchval("select 1") == 1


async def test_an_array_of_arrays_is_not_read_as_something_else(ours: Tx) -> None:
    with pytest.raises(ValueError, match="array of arrays"):
        await ours.fetchval("select array[array[1, 2], array[3, 4]]")
