"""The SMS provider over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
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


class SmsGateway:
    """The SMS provider over HTTP. It honours our key: the same message twice is delivered once."""

    def __init__(self, url: str, token: str, *, seconds: float, connections: int) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._seconds = seconds
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

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
        """Give an SMS to the provider."""
        content = {"to": letter.to, "text": letter.body, "reference": str(letter.message_id)}
        try:
            async with self._opened().post(
                f"{self._url}/v1/messages", json=content, headers={"Idempotency-Key": str(letter.message_id)}
            ) as response:
                return Result(Answer.TAKEN) if response.status == 202 else await _read_sms_code(response)
        except aiohttp.ClientConnectorError:
            return AWAY
        except (aiohttp.ClientError, OSError, TimeoutError):
            return SILENT

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


async def _read_sms_code(response: aiohttp.ClientResponse) -> Result:
    """Return what a refusal means; a code that is not in the table counts as temporary below 500, else as unclear."""
    try:
        body = await response.json()
    except (ValueError, aiohttp.ContentTypeError):
        body = None
    code = body.get("code") if isinstance(body, dict) else None
    unknown = Result(Answer.UNCLEAR if response.status >= 500 else Answer.LATER, "provider_failed")
    return SMS_WORDS.get(code, unknown) if isinstance(code, str) else unknown
