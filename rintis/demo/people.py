"""Workers who got an offer by SMS and answer it over HTTP with the ticket and the code that stand in the SMS."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from rintis.demo.observed import Tail

LOOK_SECONDS = 1.0
"""How often the phones are looked at."""
AT_ONCE = 8
"""Answers on their way at the same time: people do not press the button together."""
OFFER = re.compile(r"tiket (?P<ticket>RNT-[A-Z0-9-]+) dan kode akses (?P<code>[A-Z0-9]{8})\. Tanpa jawaban")
CHOICES: Mapping[str, str] = {**dict.fromkeys("012345", "accepted"), **dict.fromkeys("67", "declined")}
"""By the last digit of the phone number; the others never answer, and their offers expire."""
DOORS = {"accepted": "accept", "declined": "decline"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What somebody answered, and whether it was taken."""

    phone: str
    answer: str
    was_taken: bool


@dataclass(slots=True)
class People:
    """Everybody with a phone."""

    url: str
    phones: Tail
    replies: list[Reply] = field(default_factory=list)

    async def answer_for_ever(self) -> None:
        """Look at the phones and answer offers until cancelled."""
        limit = asyncio.Semaphore(AT_ONCE)
        async with aiohttp.ClientSession() as session:
            while True:
                await asyncio.gather(*(self._answer(session, limit, *offer) for offer in self._new_offers()))
                await asyncio.sleep(LOOK_SECONDS)

    def _new_offers(self) -> list[tuple[str, str, str]]:
        offers = []
        for message in self.phones.read():
            found = OFFER.search(message["text"])
            if found and message["to"][-1] in CHOICES:
                offers.append((message["to"], found["ticket"], found["code"]))
        return offers

    async def _answer(self, session: aiohttp.ClientSession, limit: asyncio.Semaphore, phone: str, ticket: str, code: str) -> None:
        choice = CHOICES[phone[-1]]
        async with (
            limit,
            session.post(f"{self.url}/offers/{DOORS[choice]}", json={"ticket": ticket, "access_code": code}) as response,
        ):
            self.replies.append(Reply(phone, choice, response.ok))
