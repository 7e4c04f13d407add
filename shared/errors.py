"""The error tree: the class says what happens to the record that met it.

`Retryable` waits and tries again, `Unprocessable` becomes a dead letter, `Fatal` stops the process.
An error of no class of ours is treated as `Retryable`: bounded, and in the open.
"""

from collections.abc import Mapping
from types import MappingProxyType


class RintisError(Exception):
    """Something went wrong in Rintis."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__)


class Retryable(RintisError):
    """The record cannot be handled now; a later attempt may succeed. Its key waits at a gate."""


class Unprocessable(RintisError):
    """The record can never be handled as it is. It becomes a dead letter.

    `reason` is a code, `field` names the place; neither may hold a personal datum.
    """

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(f"{reason}: {field}" if field else reason)
        self.reason = reason
        self.field = field


class Fatal(RintisError):
    """Our own store is not what it must be. Going on would make it worse: the process stops and says so."""

    exit_code = 1
    """Status that the process ends with."""
    details: Mapping[str, str | int] = MappingProxyType({})
    """What the log line says beside the reason."""


class KeyMissing(Fatal):
    """No key and no tombstone for a subject: the key store is wrong, the person is not."""


class WentBack(Fatal):
    """The log or the database went back in time. Somebody has to decide what is true."""

    exit_code = 3
    remedy = "See `rintis positions show`, then decide with `rintis positions accept`; docs/operations.md says what each means."

    def __init__(self, message: str, *, consumer: str, partition: tuple[str, int]) -> None:
        super().__init__(f"{type(self).__name__}: {message}. {self.remedy}")
        self.details = {"consumer": consumer, "topic": partition[0], "partition": partition[1]}


class PositionLost(WentBack):
    """The log no longer holds what was read from it."""


class DatabaseRestored(WentBack):
    """The database is older than what it had already told others."""


class Overloaded(RintisError):
    """More work is waiting than may be accepted now; the caller is told when to come back."""
