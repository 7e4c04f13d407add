import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError

from shared.cancelling import Interrupted, only_own_end
from shared.errors import Fatal
from shared.messaging.connections import mend_connections
from shared.service.jobs import Job, repeat
from shared.service.waiting import until_there


async def leak() -> None:
    """Wait for a task that somebody else cancelled, as libraries do."""
    inner = asyncio.create_task(asyncio.Event().wait())
    inner.cancel()
    await inner


async def test_a_cancellation_that_leaks_out_of_a_library_is_an_error() -> None:
    with pytest.raises(Interrupted), only_own_end():
        await leak()


async def test_whoever_is_asked_to_end_ends() -> None:
    began = asyncio.Event()

    async def work() -> None:
        with only_own_end():
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()


async def test_a_time_out_inside_stays_one() -> None:
    async def work() -> None:
        with only_own_end():
            async with asyncio.timeout(0.001):
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_a_job_that_a_library_interrupts_is_done_again() -> None:
    is_done_again = asyncio.Event()
    runs = [leak]

    async def run() -> bool:
        if runs:
            await runs.pop()()
        is_done_again.set()
        return False

    def fail(error: Fatal) -> None:
        raise error

    job = asyncio.create_task(repeat(Job("test", 0.001, run), fail))
    await asyncio.wait_for(is_done_again.wait(), 5)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)


async def test_a_job_whose_end_got_lost_in_another_error_ends_all_the_same() -> None:
    began = asyncio.Event()

    async def run() -> bool:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionResetError from None
        return False

    def fail(error: Fatal) -> None:
        raise error

    job = asyncio.create_task(repeat(Job("test", 0.001, run), fail))
    await began.wait()
    job.cancel()
    done, _ = await asyncio.wait({job}, timeout=5)
    assert done


async def test_a_start_that_a_library_interrupts_waits_on() -> None:
    tries = [leak]

    async def act() -> None:
        if tries:
            await tries.pop()()

    async with asyncio.timeout(5):
        await until_there("a server", act, lambda _: None)
    assert not tries


async def test_closing_a_consumer_whose_fetch_has_just_failed_interrupts_nobody() -> None:
    mend_connections()
    has_failed = asyncio.Event()

    async def send(_node: int, _request: object) -> None:
        raise KafkaConnectionError

    fetcher: Any = SimpleNamespace(
        _client=SimpleNamespace(send=send),
        _retry_backoff=60.0,
        _invalidate_preferred_read_replica_for_node=lambda *_: has_failed.set(),
        _fetch_waiters=set(),
        _fetch_task=asyncio.create_task(asyncio.Event().wait()),
    )
    failing = asyncio.create_task(Fetcher._proc_fetch_request(fetcher, None, 1, SimpleNamespace(topics=[])))
    fetcher._pending_tasks = {failing}
    await asyncio.wait_for(has_failed.wait(), 5)

    await asyncio.wait_for(Fetcher.close(fetcher), 5)

    assert failing.done()
    assert fetcher._closed
