"""Senders on a real database, with a provider of our own in place of the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from services.notification.domain.messages import Answer, Channel
from services.notification.gateways import Letter, Result
from services.notification.handlers.sending import Pace, Sender
from services.notification.handlers.telling import Desk
from services.notification.repository import messages as repository
from services.notification.repository.messages import Intent
from services.notification.settings import Settings
from shared.clock import Clock
from shared.contracts.boxes import Contact
from shared.messaging.retry import RetryPolicy
from shared.security import Boxes, KeyStore
from shared.storage import Database, Outbox
from tests.integration.notification.notification_stage import STANDING

NOW = datetime.now(UTC)


@dataclass
class Provider:
    """A provider that takes everything and remembers the letters."""

    letters: list[Letter] = field(default_factory=list)
    answers: list[Result] = field(default_factory=list)
    """What it answers before it takes anything."""

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def send(self, letter: Letter) -> Result:
        self.letters.append(letter)
        return self.answers.pop(0) if self.answers else Result(Answer.TAKEN)

    async def find(self, message_id: UUID) -> Result:
        return Result(Answer.TAKEN if any(letter.message_id == message_id for letter in self.letters) else Answer.LATER)


@dataclass
class Breaking:
    """A database whose connection breaks in transactions that a test names: `before` or `after` the commit, or not at all."""

    database: Database
    breaks: list[str]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        breaks = self.breaks.pop(0) if self.breaks else ""
        async with self.database.transaction() as tx:
            yield tx
            if breaks == "before":
                raise ConnectionResetError
        if breaks == "after":
            raise ConnectionResetError

    connection = transaction
    """A statement by itself is a transaction too."""


@dataclass
class Office:
    """A database, keys, and a sender of SMS."""

    database: Database
    desk: Desk
    keys: KeyStore
    provider: Provider

    def sender(self, claimed: int = 50, *, breaks: Sequence[str] = (), retry: RetryPolicy | None = None) -> Sender:
        pace = Pace(claimed, 10, 60.0, retry or RetryPolicy())
        database: Any = Breaking(self.database, list(breaks))
        return Sender(Channel.SMS, self.desk, database=database, gateway=self.provider, pace=pace)

    async def intend(self, *intents: Intent) -> None:
        async with self.database.transaction() as tx:
            await repository.add_messages(tx, intents, NOW)

    async def contact(self, subject: UUID, phone: str = "081234567890") -> str:
        await self.keys.create([subject], ["contact"])
        box = Contact(name="Siti", phone=phone, ticket="RNT-1", access_code="X")
        (sealed,) = await self.desk.boxes["contact"].seal([(subject, box)], "contact")
        return str(sealed)

    async def states(self) -> Counter[tuple[str, str]]:
        async with self.database.connection() as connection:
            return Counter((row["state"], row["reason"]) for row in await connection.fetch(STANDING))

    async def do(self, statement: str, *values: Any) -> list[Any]:
        async with self.database.connection() as connection:
            return await connection.fetch(statement, *values)


@asynccontextmanager
async def an_office(variables: dict[str, str]) -> AsyncIterator[Office]:
    settings = Settings.model_validate(variables)
    database = Database(settings.database_url, name="test", size=4)
    keys = KeyStore(Database(settings.keys_database_url, name="test-keys"), settings.masters("contact"))
    companies = KeyStore(Database(settings.company_keys_database_url, name="test-companies"), settings.masters("company"))
    stores = (database, keys.database, companies.database)
    for store in stores:
        await store.open()
    yield Office(
        database, Desk({"contact": Boxes(keys), "company": Boxes(companies)}, Outbox("notification"), Clock()), keys, Provider()
    )
    for store in stores:
        await store.close()


def an_intent(subject: UUID, sealed: str, **changes: Any) -> Intent:
    intent = Intent(
        id=uuid4(),
        event_id=uuid4(),
        subject_id=subject,
        template="repeated.v1",
        parameters={},
        box="contact",
        sealed=sealed,
        contact_version=1,
        facts_version=1,
        thread=None,
        valid_until=None,
        channel=Channel.SMS,
    )
    return intent._replace(**changes)
