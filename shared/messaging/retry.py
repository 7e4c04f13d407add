"""When to try again, and what an error means for the record that met it. Pure: numbers and classes in, decisions out."""

from __future__ import annotations

import random
from dataclasses import dataclass

import asyncpg

from shared.errors import Fatal, Retryable, Unprocessable
from shared.messaging.outcomes import DeadLetter, RetryLater
from shared.storage import TRANSIENT


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter.

    Eight attempts from one second, doubled each time, are about four minutes: longer than a deploy or a fail-over, short
    enough that a person hears of a broken event on the same day.
    """

    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    attempts: int = 8

    def delay(self, attempts: int, *, chance: float | None = None) -> float | None:
        """Return seconds until the next attempt after `attempts` failures, None when there are to be no more.

        `chance` in 0..1 replaces the random part.
        """
        if attempts >= self.attempts:
            return None
        spread = random.random() if chance is None else chance  # noqa: S311 - spreads load, guards nothing
        return min(self.longest_seconds, self.first_seconds * 2.0 ** (attempts - 1)) * (0.5 + spread / 2)


def concerns_batch(error: BaseException) -> bool:
    """Return whether an error is about the servers or the whole batch, not about one record."""
    return isinstance(error, (*TRANSIENT, Fatal)) or not isinstance(error, Exception)


def fate(error: Exception) -> RetryLater | DeadLetter:
    """Return what an error means for the one record that met it.

    What the database rejects may be our mistake as well as the record's: it waits, in the open and bounded.
    """
    if isinstance(error, Unprocessable):
        return DeadLetter(error.reason, error.field)
    if isinstance(error, Retryable):
        return RetryLater(type(error).__name__)
    if isinstance(error, asyncpg.PostgresError):
        return RetryLater(f"sqlstate_{error.sqlstate}")
    return RetryLater(type(error).__name__)
