"""What is published, written to a file before the clock starts: one record a line, ready to be sent."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from aiokafka.partitioner import murmur2

from bench.floor.steps import Register
from rintis.bench.people import Submitted
from rintis.chaos.identities import reference_id_of
from shared.contracts.topics import INTAKE_REGISTRATIONS

SEPARATOR = b"\t"
"""Between the parts of a line; JSON writes a tab in a text as an escape."""


class Form(ABC):
    """How a registration is put to one of the two systems."""

    @abstractmethod
    def record(self, item: Submitted) -> tuple[str, int, str, str]:
        """Return topic, partition, key and the publisher's id of the event, empty where none is sent."""

    @abstractmethod
    def id_of(self, item: Submitted) -> UUID:
        """Return by what the registration is found again in the tables."""


class OfRintis(Form):
    """An event of the intake as a publisher sends it."""

    def record(self, item: Submitted) -> tuple[str, int, str, str]:
        """Return what `docs/publish.md` asks for; the partition is the one that Kafka's own clients choose."""
        key: str = item.data["reference"]
        partition = (murmur2(key.encode()) & 0x7FFFFFFF) % INTAKE_REGISTRATIONS.partitions
        return INTAKE_REGISTRATIONS.of(item.publisher), partition, key, f"{item.publisher}-{item.number}"

    def id_of(self, item: Submitted) -> UUID:
        """Return what stands for the reference in the tables."""
        return UUID(reference_id_of(item.publisher, item.data["reference"]))


class OfFloor(Form):
    """The same content under an id, and nothing else."""

    def record(self, item: Submitted) -> tuple[str, int, str, str]:
        """Return a record of the floor's only partition."""
        return Register.hears, 0, str(self.id_of(item)), ""

    def id_of(self, item: Submitted) -> UUID:
        """Return an id as random as a publisher would draw it."""
        return UUID(bytes=hashlib.blake2b(item.data["reference"].encode(), digest_size=16).digest(), version=4)


@dataclass
class Load:
    """A file of records, and what is known of them."""

    path: Path
    ids: list[UUID] = field(default_factory=list)
    """Of each record in its order."""
    is_kept: bool = True
    """Whether the ids are wanted: of a million they take 100 MB."""
    count: int = 0
    bad: list[int] = field(default_factory=list)
    """Places of the registrations that must be refused."""
    repeats: list[int] = field(default_factory=list)
    """Places of those whose person is registered already."""

    def outcomes(self, published: int) -> tuple[int, int]:
        """Return how many of the first so many records are bad, and how many are repeats."""
        return bisect_left(self.bad, published), bisect_left(self.repeats, published)

    def write(self, form: Form, items: Iterable[Submitted]) -> Load:
        """Write the file."""
        with self.path.open("wb") as file:
            for item in items:
                topic, partition, key, event_id = form.record(item)
                value = json.dumps(item.data, separators=(",", ":"))
                file.write(f"{topic}\t{partition}\t{key}\t{event_id}\t{value}\n".encode())
                if item.is_bad or item.is_repeat:
                    (self.bad if item.is_bad else self.repeats).append(self.count)
                self.count += 1
                if self.is_kept:
                    self.ids.append(form.id_of(item))
        return self
