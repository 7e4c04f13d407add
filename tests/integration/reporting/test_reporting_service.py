"""The service as a process, on real Kafka and PostgreSQL."""

from __future__ import annotations

from uuid import UUID, uuid4

import httpx
import pytest

from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.notification import NoticeSent
from shared.testing import eventually
from tests.integration.reporting.reporting_setup import TUESDAY, issued, submitted
from tests.integration.reporting.reporting_world import World

pytestmark = pytest.mark.servers

PERMITS = [f"P-{n}" for n in range(300)]
ROUNDS = 5


async def test_the_fate_of_a_message_is_kept_beside_what_it_tells_of(world: World) -> None:
    await world.publish(issued("P-1"), submitted(TUESDAY, "P-1", is_declared_true=False))
    ((_, data, event_id),) = await world.read("reporting.filings", 1)
    for sequence, about in enumerate((event_id, uuid4()), start=1):
        sent = NoticeSent(
            subject_id=UUID(data["permit_id"]), message_id=uuid4(), about=about, template="filing_returned", channel="email"
        )
        headers = headers_of(Envelope(str(uuid4()), "/rintis/notification", sent.TYPE, world.clock.now(), sequence))
        await world.producer.send_and_wait(sent.TOPIC, sent.model_dump_json().encode(), key=sent.key().encode(), headers=headers)
    told = "select message_state from notices where event_id = $1"
    await eventually(lambda: world.database.fetchval(told, event_id), what="the message's state")


async def test_a_report_over_http_reaches_the_topic(world: World) -> None:
    await world.publish(issued("P-1"))
    await eventually(lambda: world.database.fetchval("select exists (select from permits)"), what="the permit")
    async with httpx.AsyncClient(base_url=world.url, headers={"Authorization": f"Bearer {world.token}"}) as client:
        answer = await client.post("/filings", json=submitted(TUESDAY, "P-1").model_dump(mode="json"))
        overview = await client.get("/operations/overview")
    assert (answer.status_code, answer.json()["state"]) == (202, "accepted")
    assert overview.json()["counts"]["filings_accepted"] == 1
    ((kind, data, _),) = await world.read("reporting.filings", 1)
    assert (kind, data["filing_id"]) == ("accepted", answer.json()["filing_id"])


async def test_kill_9_in_the_middle_loses_nothing_and_doubles_nothing(world: World) -> None:
    await world.publish(*(issued(number) for number in PERMITS))
    for _ in range(ROUNDS):
        await world.publish(*(submitted(TUESDAY, number) for number in PERMITS))
        world.crash()
    total = len(PERMITS) * ROUNDS
    decided = f"select count(*) = {total} from filings where state = 'accepted'"
    await eventually(lambda: world.database.fetchval(decided), within=90, what=f"{total} accepted reports")
    versions = await world.database.fetch("select versions, count(*) from expected_filings where versions > 0 group by 1")
    assert [tuple(row) for row in versions] == [(ROUNDS, len(PERMITS))]
    await eventually(lambda: world.database.fetchval("select not exists (select from outbox)"), within=60, what="an empty outbox")
    said = "select sum(events) from flow where direction = 'said' and topic = 'reporting.filings'"
    assert await world.database.fetchval(said) == total
    assert len(await world.read("reporting.filings", total)) == total
