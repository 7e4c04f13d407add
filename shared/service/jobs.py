"""Work that comes by time and not by event."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.cancelling import is_asked_to_end, only_own_end
from shared.errors import Fatal
from shared.telemetry import get_logger, metrics

log = get_logger(__name__)

APART_SECONDS = 0.05
"""Shortest time from one run's start to the next, where there was no more to do and the job says nothing else."""
LONGEST_PAUSE_SECONDS = 30.0
"""Longest pause of a job that keeps failing: after an outage it goes on within this."""


@dataclass(frozen=True, slots=True)
class Job:
    """Runs again and again. `run` returns True when there is more to do at once.

    `every_seconds` is real time; what the job decides by is business time. A job with `wake` also runs as soon as that is set,
    `apart_seconds` after its last start at the earliest.
    """

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[bool]]
    wake: asyncio.Event | None = None
    apart_seconds: float = APART_SECONDS


async def repeat(job: Job, fail: Callable[[Fatal], None]) -> None:
    """Run a job until cancelled; its errors are counted and backed off, never hidden."""
    failures = 0
    wake = job.wake or asyncio.Event()
    while not is_asked_to_end():
        wake.clear()
        began = time.monotonic()
        try:
            with only_own_end():
                has_more = await job.run()
            failures = 0
        except Fatal as error:
            fail(error)
            return
        except Exception as error:  # noqa: BLE001 - a job's failure must not end the process; it is counted and done again
            failures += 1
            has_more = False
            metrics.JOB_FAILURES.labels(job.name, type(error).__name__).inc()
            log.warning("A job failed and will be done again.", action="job_failed", job=job.name, **origin(error))
        if not has_more and not is_asked_to_end():
            pause = min(LONGEST_PAUSE_SECONDS, job.every_seconds * 2.0 ** min(failures, 8))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads load, guards nothing
                    await (asyncio.sleep(pause * 2) if failures else wake.wait())
            # However often it is woken: a look costs as much where there is little to do.
            await asyncio.sleep(began + min(job.apart_seconds, job.every_seconds) - time.monotonic())


def origin(error: BaseException) -> dict[str, str]:
    """Return class and place of an error; its text may quote data, so it is left out."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{last.tb_lineno}" if last else "unknown"
    return {"error": type(error).__name__, "where": where}
