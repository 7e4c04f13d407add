"""Who may read and write which topic, derived from the contracts: each intake topic has one writer, its publisher."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from shared.contracts.topics import INTAKE, OWN


@dataclass(frozen=True, slots=True)
class Grant:
    """One right of one principal. `resource` is `topic` or `group`; a prefix covers every name that begins with it."""

    principal: str
    operations: tuple[str, ...]
    resource: str
    name: str
    is_prefix: bool = False

    def arguments(self) -> list[str]:
        """Return the grant as arguments of Kafka's own `kafka-acls.sh --add`."""
        operations = [part for operation in self.operations for part in ("--operation", operation)]
        pattern = ["--resource-pattern-type", "prefixed"] if self.is_prefix else []
        return ["--allow-principal", f"User:{self.principal}", *operations, f"--{self.resource}", self.name, *pattern]


def grants(publishers: Collection[str]) -> list[Grant]:
    """Return every right that the system needs; without a grant a broker with an authorizer refuses."""
    return [*_of_publishers(publishers), *_of_services()]


def _of_publishers(publishers: Collection[str]) -> Iterator[Grant]:
    for publisher in publishers:
        for topic in INTAKE:
            yield Grant(publisher, ("Write", "Describe"), "topic", topic.of(publisher))


def _of_services() -> Iterator[Grant]:
    for topic in INTAKE:
        for hearer in topic.hearers:
            # Delete: the hearing service removes what it has read a day ago.
            yield Grant(hearer, ("Read", "Describe", "Delete"), "topic", f"{topic.name}.", is_prefix=True)
    for topic in OWN:
        yield Grant(topic.publisher, ("Write", "Describe"), "topic", topic.name)
        for hearer in topic.hearers:
            yield Grant(hearer, ("Read", "Describe"), "topic", topic.name)
    for service in sorted({hearer for topic in (*INTAKE, *OWN) for hearer in topic.hearers}):
        yield Grant(service, ("Read",), "group", f"{service}.", is_prefix=True)
