"""What the oracle looks at: the load's files, raw topics, tables by plain SQL, and what the simulators took."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from sys import intern
from typing import Any, cast

import asyncpg
import orjson

from rintis.chaos.place import Place
from rintis.chaos.raw import Record, read_topics
from rintis.chaos.sent import Acknowledged, Sent, read_acknowledged, read_sent
from shared.storage import load_queries

SQL = load_queries("rintis.chaos")

Row = Mapping[str, Any]

TABLES: Mapping[str, Sequence[str]] = {
    "registration": ("submissions", "registrations", "statuses"),
    "eligibility": ("workers", "decisions", "seat_requests", "offers", "incubators"),
    "notification": ("messages", "tasks"),
    "reporting": ("permits", "permit_news", "filings", "periods", "notices"),
}
RECEIVED: Mapping[str, str] = {"sms": "reference", "smtp": "message_id"}
"""By what each simulator's messages are known."""
SHARED_TABLES = ("dead_letters", "gates", "parked", "outbox", "sequences", "positions")
"""What every service's database has; the rows of all of them are put together."""


@dataclass(frozen=True)
class Evidence:
    """Everything that is compared. Tests give less: what is not given is empty."""

    sent: Sequence[Sent] = ()
    acknowledged: Sequence[Acknowledged] = ()
    records: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    """Per topic, each partition's in order."""
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    sms: Sequence[str] = ()
    """The references of what the SMS provider took, in that order."""
    mail: Sequence[str] = ()
    """The Message-IDs of what the mail server took."""
    taken_before: Mapping[str, int] = field(default_factory=dict)
    """How much each simulator had taken before the tables were read, where the system was perhaps still at work."""

    def rows(self, table: str) -> Sequence[Row]:
        """Return a table's rows."""
        return self.tables.get(table, ())

    def on(self, topic: str) -> Sequence[Record]:
        """Return a topic's records."""
        return self.records.get(topic, ())

    def family(self, name: str) -> list[Record]:
        """Return the records of every publisher's topic of an intake family."""
        return [record for topic, records in self.records.items() if topic.startswith(f"{name}.") for record in records]

    def is_dead(self, service: str, record: Record) -> bool:
        """Return whether a service has set a record aside for good."""
        return (service, *record.place) in self._dead

    def is_excused(self, service: str, record: Record) -> bool:
        """Return whether nothing needs to be seen yet of what a service did with a record, or ever."""
        return self.is_dead(service, record) or self.is_coming(service, record)

    def is_coming(self, service: str, record: Record) -> bool:
        """Return whether a record is on its way yet: unread, or behind a gate. It may be stuck, and it is not lost."""
        read_to = self._positions.get((service, record.topic, record.partition), 0)
        return record.offset >= read_to or (service, *record.place) in self._parked

    def is_leaving(self, topic: str, key: str) -> bool:
        """Return whether events of a key wait to be sent to a topic."""
        return (topic, key) in self._outbox

    @cached_property
    def _dead(self) -> frozenset[tuple[str, str, int, int]]:
        return frozenset(map(_place, self.rows("dead_letters")))

    @cached_property
    def _parked(self) -> frozenset[tuple[str, str, int, int]]:
        return frozenset(map(_place, self.rows("parked")))

    @cached_property
    def _outbox(self) -> frozenset[tuple[str, str]]:
        return frozenset((row["topic"], row["key"]) for row in self.rows("outbox"))

    @cached_property
    def _positions(self) -> dict[tuple[str, str, int], int]:
        return {(_service(row), row["topic"], row["partition"]): row["next_offset"] for row in self.rows("positions")}


def _service(row: Row) -> str:
    return str(row["consumer"]).split(".", maxsplit=1)[0]


def _place(row: Row) -> tuple[str, str, int, int]:
    return _service(row), row["topic"], row["partition"], row["record_offset"]


async def collect(place: Place, folder: Path) -> Evidence:
    """Read everything there is."""
    tables: dict[str, list[Row]] = {table: [] for table in SHARED_TABLES}
    before = {name: len(read_received(path, RECEIVED[name])) for name, path in place.received.items()}
    for service, names in TABLES.items():
        connection = await connect(place.databases[service])
        try:
            # One instant for all tables of a service: it may still be at work.
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for name in names:
                    # Rows as the client has them: made into dicts, those of a long run would not fit into memory.
                    tables[name] = cast("list[Row]", await connection.fetch(SQL[f"list_{name}"]))
                for name in SHARED_TABLES:
                    tables[name] += cast("list[Row]", await connection.fetch(SQL[f"list_{name}"]))
        finally:
            await connection.close()
    return Evidence(
        read_sent(folder),
        read_acknowledged(folder),
        await read_topics(place.bootstrap),
        tables,
        read_received(place.received["sms"], RECEIVED["sms"]),
        read_received(place.received["smtp"], RECEIVED["smtp"]),
        before,
    )


async def connect(url: str) -> Any:
    """Return a connection that gives each text once, however many rows and records have it."""
    connection = await asyncpg.connect(url)
    await connection.set_type_codec("text", schema="pg_catalog", encoder=str, decoder=intern)
    return connection


def read_received(path: Path, field: str) -> list[str]:
    """Return one field of what a simulator took; a line that a kill cut off was never answered."""
    found: list[str] = []
    with contextlib.suppress(FileNotFoundError), path.open("rb") as lines:
        for line in lines:
            with contextlib.suppress(orjson.JSONDecodeError):
                found.append(intern(str(orjson.loads(line)[field])))
    return found
