"""The key store's look-ups, as they are planned once there are many keys."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

from services.registration.repository.rows import SQL as REGISTRATION_SQL
from shared.security.keystore import SQL
from tests.integration.registration.registration_setup import Office

MANY = 3_000
"""Few enough for the planner to think that reading all of them once is cheaper than looking up `ASKED`."""
ASKED = 100


async def test_looking_up_some_keys_costs_what_is_asked_for_and_not_what_there_is(office: Office) -> None:
    keys = office.desk.boxes.keys
    asked = [uuid4() for _ in range(ASKED)]
    await keys.create(asked, ("contact", "facts", "identity"))
    async with keys.database.connection() as connection:
        await connection.execute(
            f"""insert into keys (subject, box, wrapped)
                select gen_random_uuid(), box, '\\x00' from generate_series(1, {MANY}), unnest(array['contact', 'facts']) as box"""
        )
        await connection.execute(f"insert into tombstones (subject) select gen_random_uuid() from generate_series(1, {MANY})")
        await connection.execute("analyze keys, tombstones")
        found = await connection.fetchval(f"explain (analyze, format json) {SQL['find_keys']}", asked, ["contact", "facts"])
        added = await connection.fetchval(
            f"explain (analyze, format json) {SQL['add_keys']}",
            [uuid4() for _ in asked],
            ["contact"] * ASKED,
            [b"0"] * ASKED,
            None,
        )

    assert rows_read(json.loads(found)[0]["Plan"]) <= 8 * ASKED
    assert rows_read(json.loads(added)[0]["Plan"]) <= 8 * ASKED


async def test_who_makes_keys_that_a_rival_is_making_waits_and_gets_the_rivals(office: Office) -> None:
    keys, boxes = office.desk.boxes.keys, ("contact", "facts", "identity")
    person, other = uuid4(), uuid4()
    rivals = await keys.create([person], boxes)
    async with keys.database.connection() as connection:
        rows = await connection.fetch("delete from keys returning subject, box, wrapped")
    async with keys.database.transaction() as rival:
        await rival.execute(SQL["add_keys"], *zip(*rows, strict=True), None)
        making = asyncio.create_task(keys.create([other, person], boxes))
        while not await rival.fetchval("select exists (select from pg_locks where not granted)"):
            assert not making.done()
    made = await making
    assert {box: made[box][person] for box in boxes} == {box: rivals[box][person] for box in boxes}
    assert {box: (await keys.find([other], box))[other] for box in boxes} == {box: made[box][other] for box in boxes}


def rows_read(plan: dict[str, Any]) -> float:
    """Return how many rows a plan's steps that read tables have met."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"] if "Relation Name" in plan else 0
    return float(own + sum(map(rows_read, plan.get("Plans", ()))))


async def test_nobody_waits_for_the_disk_until_a_person_is_registered(office: Office) -> None:
    person = uuid4()
    tokens = [0], [1], [b"token"]
    async with office.desk.database.transaction() as tx:
        made = await tx.fetch(REGISTRATION_SQL["claim_persons"], *tokens, [person], *tokens, office.desk.clock.now())
        assert [row["person_id"] for row in made] == [person]
        assert await tx.fetchval("show synchronous_commit") == "off"
    async with office.desk.database.connection() as connection:
        assert await connection.fetchval("show synchronous_commit") == "on"
