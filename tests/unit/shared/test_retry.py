import asyncpg
import pytest

from shared.errors import KeyMissing, Retryable, Unprocessable
from shared.messaging.outcomes import DeadLetter, RetryLater
from shared.messaging.retry import RetryPolicy, concerns_batch, fate


@pytest.mark.parametrize(
    ("attempts", "chance", "delay"),
    [(1, 1.0, 1.0), (1, 0.0, 0.5), (2, 1.0, 2.0), (4, 1.0, 8.0), (7, 1.0, 60.0), (7, 0.0, 30.0), (8, 1.0, None), (20, 0.0, None)],
)
def test_the_delay_doubles_is_capped_and_ends(attempts: int, chance: float, delay: float | None) -> None:
    assert RetryPolicy().delay(attempts, chance=chance) == delay


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Unprocessable("box_unreadable", "facts"), DeadLetter("box_unreadable", "facts")),
        (Retryable(), RetryLater("Retryable")),
        (asyncpg.UniqueViolationError("x"), RetryLater("sqlstate_23505")),
        (KeyError("nik"), RetryLater("KeyError")),
    ],
)
def test_the_class_of_an_error_decides_what_becomes_of_its_record(error: Exception, outcome: object) -> None:
    assert fate(error) == outcome


@pytest.mark.parametrize("error", [OSError(), TimeoutError(), asyncpg.DeadlockDetectedError("x"), KeyMissing("x")])
def test_what_concerns_the_servers_concerns_the_whole_batch(error: Exception) -> None:
    assert concerns_batch(error)


@pytest.mark.parametrize("error", [ValueError(), Unprocessable("x"), asyncpg.CheckViolationError("x")])
def test_what_concerns_one_record_does_not_cost_its_neighbours(error: Exception) -> None:
    assert not concerns_batch(error)
