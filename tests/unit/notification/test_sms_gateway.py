"""The SMS gateway against the real simulator, over the wire: many messages in one call, each with an answer of its own."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from services.notification.domain.messages import Answer
from services.notification.gateways import Letter, Result, SmsGateway
from simulators.received import Received
from simulators.sms.__main__ import make_app
from simulators.sms.provider import Provider


@dataclass
class Line:
    """A provider that listens, and a gateway that speaks to it."""

    provider: Provider
    gateway: SmsGateway
    file: Path
    calls: Counter[str] = field(default_factory=Counter)
    breaks_at: str = "nobody"
    """The provider fails as a whole at a call that holds this number."""

    async def send(self, *letters: Letter) -> list[Result]:
        return await asyncio.gather(*(self.gateway.send(letter) for letter in letters))

    def delivered(self) -> list[str]:
        return [json.loads(entry)["key"] for entry in self.file.read_text().splitlines()]


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    @web.middleware
    async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
        watched.calls[request.path] += 1
        if watched.breaks_at in await request.text():
            raise web.HTTPInternalServerError
        return await handler(request)

    received = Received(tmp_path / "sms.jsonl")
    provider = Provider(received)
    app = make_app(provider, "token")
    app.middlewares.append(watch)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway = SmsGateway(f"http://127.0.0.1:{runner.addresses[0][1]}", "token", seconds=1.0, connections=8)
    await gateway.open()
    watched = Line(provider, gateway, tmp_path / "sms.jsonl")
    yield watched
    await gateway.close()
    await runner.cleanup()
    received.close()


def some_letters(count: int, **changes: str) -> list[Letter]:
    return [Letter(uuid4(), changes.get("to", f"+62812700000{n:02d}"), "Pendaftaran Anda kami terima.") for n in range(count)]


async def test_messages_given_at_one_moment_go_in_one_call_and_a_lone_one_by_itself(line: Line) -> None:
    letters = some_letters(40)

    assert await line.send(*letters) == [Result(Answer.TAKEN)] * 40
    assert await line.send(*some_letters(1)) == [Result(Answer.TAKEN)]

    assert line.calls == {"/v1/messages/batch": 1, "/v1/messages": 1}
    assert line.delivered()[:40] == [str(letter.message_id) for letter in letters]


async def test_each_message_of_a_call_gets_the_answer_that_it_would_get_alone(line: Line) -> None:
    good, bad = some_letters(3), some_letters(1, to="123")
    line.provider.behaviour.throttle_next = 1

    results = await line.send(good[0], good[1], *bad, good[2])

    assert results == [
        Result(Answer.LATER, "provider_busy"),
        Result(Answer.TAKEN),
        Result(Answer.REFUSED, "number_invalid"),
        Result(Answer.TAKEN),
    ]


async def test_a_call_without_an_answer_leaves_all_unclear_and_sending_again_delivers_each_once(line: Line) -> None:
    letters = some_letters(10)
    line.provider.behaviour.hang_next = 1

    assert await line.send(*letters) == [Result(Answer.UNCLEAR, "no_answer")] * 10
    assert await line.send(*letters) == [Result(Answer.TAKEN)] * 10

    assert Counter(line.delivered()) == {str(letter.message_id): 1 for letter in letters}


async def test_a_provider_that_takes_its_time_for_each_message_takes_as_many_times_as_long_for_a_call(line: Line) -> None:
    line.provider.behaviour.each_seconds = 0.05
    loop = asyncio.get_running_loop()
    began = loop.time()

    assert await line.send(*some_letters(8)) == [Result(Answer.TAKEN)] * 8
    assert loop.time() - began >= 8 * 0.05


async def test_one_message_that_makes_the_provider_fail_holds_its_neighbours_up_three_times_at_most(line: Line) -> None:
    letters = some_letters(60)
    poison = letters[20]
    line.breaks_at = poison.to
    failed, sizes = list(letters), []
    for attempt in range(1, 5):
        sent = [letter._replace(attempt=attempt) for letter in failed]
        results = await line.send(*sent)
        failed = [letter for letter, result in zip(sent, results, strict=True) if result.answer is Answer.UNCLEAR]
        sizes.append(len(failed))

    assert sizes == [60, 16, 4, 1]
    assert [letter.message_id for letter in failed] == [poison.message_id]
    assert Counter(line.delivered()) == {str(letter.message_id): 1 for letter in letters if letter.to != poison.to}


async def test_a_provider_that_is_not_there_has_taken_nothing() -> None:
    gateway = SmsGateway("http://127.0.0.1:1", "token", seconds=1.0, connections=2)
    await gateway.open()
    results = await asyncio.gather(*(gateway.send(letter) for letter in some_letters(3)))
    await gateway.close()

    assert results == [Result(Answer.LATER, "provider_away")] * 3
