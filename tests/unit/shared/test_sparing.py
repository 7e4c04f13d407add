import asyncio
from typing import Any

from shared.service.sparing import Sparing


class Table:
    """Rows whose count takes some seconds of a clock that only counting moves."""

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds, self.counted = 0.0, seconds, 0

    async def count(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.counted += 1
        self.now += self.seconds
        return {"counts": self.counted}


async def test_a_count_takes_a_twentieth_of_the_time_at_most_however_often_it_is_asked_for() -> None:
    table = Table(2.0)
    sparing = Sparing(table.count, clock=lambda: table.now)

    first = await sparing.read()
    table.now += 37.9
    assert await sparing.read() == first
    table.now += 0.2
    assert (await sparing.read())["counts"] == 2


async def test_many_who_ask_at_once_wait_for_one_count_which_says_of_when_it_is() -> None:
    table = Table(1.0)
    sparing = Sparing(table.count, clock=lambda: table.now)

    answers = await asyncio.gather(*(sparing.read() for _ in range(20)))

    assert table.counted == 1
    assert all(answer == answers[0] and answer["counted_at"] for answer in answers)
