"""Who hears what: a subscription is a topic, a group and a route for each type of event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from shared.contracts.envelope import Event
from shared.contracts.topics import READ_TOGETHER, Topic, reader_of
from shared.messaging.limits import Limits
from shared.messaging.outcomes import Outcome
from shared.messaging.records import Received
from shared.storage import Tx

E_contra = TypeVar("E_contra", bound=Event, contravariant=True)
P = TypeVar("P")


class Route(Protocol):
    """Handles events of one type or several, in sets.

    `prepare` runs before the transaction (key look-ups, opening boxes) and may run again: it must be idempotent.
    `apply` runs inside the batch's transaction; what it gets is a subset of what `prepare` saw, each key once
    unless its subscription takes runs.
    It returns an outcome per record, or None when all were handled. It never catches broadly: an error isolates the record.
    """

    async def prepare(self, batch: Sequence[Received[Any]], /) -> Any:
        """Return what `apply` needs from outside the transaction."""

    async def apply(self, tx: Tx, batch: Sequence[Received[Any]], prepared: Any, /) -> Sequence[Outcome] | None:
        """Write the effects."""


@dataclass(frozen=True)
class Subscription:
    """One topic heard by one service: one consumer.

    `takes_runs`: its one route takes several events of a key in one set, in their order, and makes none of them wait.
    `apart_seconds`: shortest time from one batch's start to the next, where that may be longer than the limits say.
    """

    service: str
    subject: str
    topic: Topic
    routes: Mapping[type[Event], Route]
    takes_runs: bool = False
    apart_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse runs that would be torn apart."""
        if self.takes_runs and len({id(route) for route in self.routes.values()}) != 1:
            raise ValueError(f"{self.group} takes runs: all its events go to one route")

    def least_apart(self, limits: Limits) -> float:
        """Return the shortest time from one batch's start to the next, in seconds."""
        return max(self.apart_seconds, limits.intake_apart_seconds if self.topic.is_intake else limits.apart_seconds)

    def most_records(self, limits: Limits) -> int:
        """Return how many records a batch holds at most."""
        return limits.intake_batch_records if self.topic.is_intake else limits.batch_records

    @property
    def group(self) -> str:
        """Return the name of the consumer: in the database, for operators, and in Kafka where it is read by itself."""
        return f"{self.service}.{self.subject}"

    @property
    def reader(self) -> str:
        """Return the name of the group in Kafka: its client may read for other consumers of the service too."""
        return reader_of(self.service, self.topic)

    @property
    def is_read_together(self) -> bool:
        """Whether its client reads for other consumers too."""
        return self.reader in READ_TOGETHER
