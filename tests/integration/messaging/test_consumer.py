from shared.testing import eventually
from tests.integration.messaging.service_stage import Pair


async def test_events_go_from_the_intake_through_the_outbox_to_their_hearer(pair: Pair) -> None:
    await pair.start()
    await pair.send([f"r{number}" for number in range(200)])

    assert await eventually(pair.has(400), what="both sides having handled everything")
