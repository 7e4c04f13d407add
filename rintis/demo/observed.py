"""What is there: plain SQL over the four databases, and the files of the simulators. Nothing of the services' code is used."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from shared.storage import Database, load_queries

SQL = load_queries("rintis.demo")
CONNECTIONS = 2
"""The display looks while the play waits for something."""

MONTHS = {"Mei": 5, "Juni": 6, "Juli": 7, "Agustus": 8, "September": 9, "Oktober": 10, "November": 11, "Desember": 12}
_DAY = re.compile(rf"([0-9]{{1,2}}) ({'|'.join(MONTHS)}) ([0-9]{{4}})")

Rows = list[dict[str, Any]]


class Databases:
    """The services' databases, read by the auditor's role."""

    def __init__(self, databases: Mapping[str, Database]) -> None:
        self._databases = databases

    async def rows(self, service: str, block: str, *parameters: Any) -> Rows:
        """Return the rows of one statement."""
        async with self._databases[service].connection() as connection:
            return [dict(row) for row in await connection.fetch(SQL[block], *parameters)]

    async def row(self, service: str, block: str, *parameters: Any) -> dict[str, Any]:
        """Return the only row of one statement."""
        return (await self.rows(service, block, *parameters))[0]

    @property
    def services(self) -> tuple[str, ...]:
        """Return the services' names."""
        return tuple(self._databases)


@asynccontextmanager
async def open_databases(variables: Mapping[str, str]) -> AsyncIterator[Databases]:
    """Open the databases that AUDIT_URL_<SERVICE> name."""
    prefix = "AUDIT_URL_"
    addresses = {name.removeprefix(prefix).lower(): url for name, url in variables.items() if name.startswith(prefix)}
    async with AsyncExitStack() as stack:
        databases = {name: Database(url, name=f"demo-{name}", size=CONNECTIONS) for name, url in addresses.items()}
        for database in databases.values():
            await database.open()
            stack.push_async_callback(database.close)
        yield Databases(databases)


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that is compared with the manifest."""

    submissions: Rows
    decisions: Rows
    incubators: Rows
    holders: Rows
    messages: Rows
    tasks: Rows
    periods: Rows
    filings: Rows
    received: Mapping[str, Counter[str]]
    """Per channel: how many messages each address received."""


async def observe(databases: Databases, received: Mapping[str, Path], last_due_on: date) -> Observed:
    """Read it all."""
    return Observed(
        submissions=await databases.rows("registration", "find_submissions"),
        decisions=await databases.rows("eligibility", "find_decisions"),
        incubators=await databases.rows("eligibility", "find_incubators"),
        holders=await databases.rows("eligibility", "find_holders"),
        messages=await databases.rows("notification", "find_messages", last_due_on.isoformat()),
        tasks=await databases.rows("notification", "count_tasks"),
        periods=await databases.rows("reporting", "find_periods", last_due_on),
        filings=await databases.rows("reporting", "find_filings"),
        received={"sms": _addresses(received["sms"], last_due_on), "email": _addresses(received["smtp"], last_due_on)},
    )


class Tail:
    """A file of JSON lines that grows, read piece by piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what is new; a line that is still being written is left for the next look."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                yield json.loads(line)


def _addresses(path: Path, last_due_on: date) -> Counter[str]:
    return Counter(line["to"] for line in Tail(path).read() if not is_of_later_period(line["text"], last_due_on))


def is_of_later_period(text: str, last_due_on: date) -> bool:
    """Return whether a message is about a report that is due after the demo's last day: time goes on while it is counted."""
    if "IOMKI" not in text:
        return False
    days = (date(int(year), MONTHS[month], int(day)) for day, month, year in _DAY.findall(text))
    return any(day > last_due_on for day in days)
