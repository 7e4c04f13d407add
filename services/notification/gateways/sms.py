"""The SMS provider over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import aiohttp

from services.notification.domain.messages import Answer
from services.notification.gateways.letters import AWAY, SILENT, Letter, Result

SMS_WORDS: Mapping[str, Result] = {
    "invalid_number": Result(Answer.REFUSED, "number_invalid"),
    "unknown_subscriber": Result(Answer.REFUSED, "number_unknown"),
    "invalid_text": Result(Answer.REFUSED, "text_refused"),
    "malformed_request": Result(Answer.REFUSED, "request_refused"),
    # The key is known with another number or text: an earlier attempt was taken, before the contact changed.
    "key_reused": Result(Answer.TAKEN),
    "unauthorised": Result(Answer.LATER, "login_refused"),
    "throttled": Result(Answer.LATER, "provider_busy"),
    "internal_error": Result(Answer.UNCLEAR, "provider_failed"),
}
"""The SMS provider's codes in our words."""

Given: TypeAlias = tuple[Letter, asyncio.Future[Result]]
"""A letter, and what its sender waits for."""

LETTERS_PER_CALL = 64
"""Messages in one call: a call costs both sides as much as twenty messages, and an unclear answer leaves only so many to be sent again."""
FEWER_EACH_TIME = 4
"""By this a call shrinks with each attempt: where one message makes the provider fail, its neighbours must not fail with it again and again."""


class SmsGateway:
    """The SMS provider over HTTP. It honours our key: the same message twice is delivered once.

    So a call may hold many messages: where its answer stays out, each is sent again under its own key, among fewer others each time and
    by itself from the fourth time on.
    """

    def __init__(self, url: str, token: str, *, seconds: float, connections: int) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._seconds = seconds
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None
        self._gathered: dict[int, list[Given]] = {}
        """What goes with the next call, by how many it may hold."""
        self._calls: set[asyncio.Task[list[Result]]] = set()

    async def open(self) -> None:
        """Make the session whose connections are used again."""
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=self._seconds),
            connector=aiohttp.TCPConnector(limit=self._connections),
        )

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def send(self, letter: Letter) -> Result:
        """Give an SMS to the provider, together with those that are given at the same moment."""
        size = letters_per_call(letter.attempt)
        gathered = self._gathered.get(size)
        if gathered is None or len(gathered) == size:
            gathered = self._gathered[size] = []
            # The call begins behind every sender that is ready to run now: what they give goes with it.
            call = asyncio.create_task(self._give(gathered, size))
            self._calls.add(call)
            call.add_done_callback(partial(self._answer, gathered))
        # Each waits for its own answer: one sender that is cancelled takes nothing from the others.
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        gathered.append((letter, answer))
        return await answer

    def _answer(self, given: Sequence[Given], call: asyncio.Task[list[Result]]) -> None:
        self._calls.discard(call)
        for number, (_, answer) in enumerate(given):
            if answer.done():
                continue
            if call.cancelled():
                answer.cancel()
            elif error := call.exception():
                answer.set_exception(error)
            else:
                answer.set_result(call.result()[number])

    async def _give(self, given: list[Given], size: int) -> list[Result]:
        if given is self._gathered.get(size):
            del self._gathered[size]
        letters = [letter for letter, _ in given]
        try:
            return [await self._send_one(letters[0])] if len(letters) == 1 else await self._send_many(letters)
        except aiohttp.ClientConnectorError:
            return [AWAY] * len(letters)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, LookupError, TypeError):
            return [SILENT] * len(letters)

    async def _send_one(self, letter: Letter) -> Result:
        headers = {"Idempotency-Key": str(letter.message_id)}
        async with self._opened().post(f"{self._url}/v1/messages", json=_content(letter), headers=headers) as response:
            return Result(Answer.TAKEN) if response.status == 202 else await _read_sms_code(response)

    async def _send_many(self, letters: Sequence[Letter]) -> list[Result]:
        content = {"messages": [_content(letter) | {"key": str(letter.message_id)} for letter in letters]}
        async with self._opened().post(f"{self._url}/v1/messages/batch", json=content) as response:
            if response.status != 200:
                return [await _read_sms_code(response)] * len(letters)
            answers = {answer["key"]: answer for answer in (await response.json())["answers"]}
            return [_read_answer(answers.get(str(letter.message_id))) for letter in letters]

    async def find(self, message_id: UUID) -> Result:
        """Ask by our reference."""
        try:
            async with self._opened().get(f"{self._url}/v1/messages/by-reference/{message_id}") as response:
                if response.status == 404:
                    return Result(Answer.LATER, "provider_failed")
                return Result(Answer.TAKEN) if response.status == 200 else SILENT
        except (aiohttp.ClientError, OSError, TimeoutError):
            return SILENT

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the SMS gateway is not open")
        return self._session


def letters_per_call(attempt: int) -> int:
    """Return how many messages of this attempt, counted from 1, go in one call: 64, 16, 4, then 1."""
    return max(1, int(LETTERS_PER_CALL / FEWER_EACH_TIME ** (attempt - 1)))


def _content(letter: Letter) -> dict[str, str]:
    return {"to": letter.to, "text": letter.body, "reference": str(letter.message_id)}


def _read_answer(answer: Mapping[str, Any] | None) -> Result:
    """Return what the provider says of one message of a call; of one that it does not name nobody can say."""
    if answer is None:
        return SILENT
    return Result(Answer.TAKEN) if answer["status"] == 202 else _read_code(answer["status"], answer.get("code"))


async def _read_sms_code(response: aiohttp.ClientResponse) -> Result:
    """Return what a refusal means."""
    try:
        body = await response.json()
    except (ValueError, aiohttp.ContentTypeError):
        body = None
    return _read_code(response.status, body.get("code") if isinstance(body, dict) else None)


def _read_code(status: int, code: object) -> Result:
    """Return what a code means; one that is not in the table counts as temporary below 500, else as unclear."""
    unknown = Result(Answer.UNCLEAR if status >= 500 else Answer.LATER, "provider_failed")
    return SMS_WORDS.get(code, unknown) if isinstance(code, str) else unknown
