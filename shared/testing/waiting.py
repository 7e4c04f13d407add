"""Waiting on conditions, with a deadline and never for a fixed time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

LOOK_SECONDS = 0.05


@overload
async def eventually(check: Callable[[], Awaitable[T]], *, within: float = ..., what: str = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], *, within: float = ..., what: str = ...) -> T: ...
async def eventually(check: Callable[[], Any], *, within: float = 30.0, what: str = "the condition") -> Any:
    """Return the first truthy value of `check`; fail with what was last seen when `within` seconds are over.

    An AssertionError in `check` counts as not yet.
    """
    deadline = time.monotonic() + within
    last: object = None
    while True:
        try:
            value = check()
            result = await value if inspect.isawaitable(value) else value
        except AssertionError as error:
            last = error
        else:
            if result:
                return result
            last = result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not hold within {within} s; last seen: {last!r}")
        await asyncio.sleep(LOOK_SECONDS)
