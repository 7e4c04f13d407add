from __future__ import annotations

from typing import Any

from rintis.chaos.sight import Rest, Sight

ENDS = {("a", 0): 5, ("a", 1): 7}


class Seen(Sight):
    """A sight whose databases answer what a test says, and which remembers what was asked."""

    def __init__(self, *answers: list[dict[str, Any]]) -> None:
        super().__init__("", {"notification": ""})
        self.answers = list(answers)
        self.asked: list[tuple[Any, ...]] = []

    async def fetch(self, _service: str, block: str, *arguments: Any) -> list[Any]:
        self.asked.append((block, *arguments))
        return [list(row.values()) for row in self.answers.pop(0)] if block != "find_rest" else self.answers.pop(0)


async def test_what_is_done_is_not_asked_for_again() -> None:
    behind: list[dict[str, Any]] = [{"topic": None, "partition": None}, {"topic": "a", "partition": 1}]
    sight = Seen(behind, [{"count": 2}], [], [{"count": 2}], [{"count": 0}])
    mark = {"notification": Rest(dict(ENDS), 9, {"sms": 4})}

    looks = [await sight.is_done(mark) for _ in range(4)]

    assert looks == [False, False, True, True]
    assert sight.asked == [
        ("find_rest", 9, ("a", "a"), (0, 1), [5, 7]),
        ("count_messages_until", "sms", 4),
        ("find_rest", 9, ("a",), (1,), [7]),
        ("count_messages_until", "sms", 4),
        ("count_messages_until", "sms", 4),
    ]


async def test_events_that_wait_are_asked_for_when_all_is_read() -> None:
    sight = Seen([{"topic": None, "partition": None}], [])
    mark = {"notification": Rest(dict(ENDS), 9)}

    assert [await sight.is_done(mark) for _ in range(2)] == [False, True]
    assert sight.asked[1] == ("find_rest", 9, (), (), [])
