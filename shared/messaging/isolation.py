"""A set is applied as a whole; where that fails, a failing record costs its neighbours nothing: halves are tried until it stands alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from shared.messaging.items import Item
from shared.messaging.outcomes import HANDLED
from shared.messaging.retry import concerns_batch, fate
from shared.messaging.routes import Route
from shared.storage import Tx, savepoint
from shared.telemetry import get_logger

log = get_logger(__name__)

Apply: TypeAlias = Callable[[Tx, Route, Sequence[Item], Any], Awaitable[None]]
"""Applies a set of one route, and leaves an outcome with every record."""


async def prepare_isolated(route: Route, items: Sequence[Item]) -> Any:
    """Prepare a set; records that cannot be prepared get their outcome, the others are prepared together."""
    failed: list[Item] = []
    prepared = await _prepare(route, items, failed)
    if failed:
        rest = [item for item in items if item.outcome is None]
        prepared = await route.prepare([item.received for item in rest if item.received]) if rest else None
    return prepared


async def _prepare(route: Route, items: Sequence[Item], failed: list[Item]) -> Any:
    try:
        return await route.prepare([item.received for item in items if item.received])
    except Exception as error:
        if concerns_batch(error):
            raise
        if len(items) == 1:
            _condemn(items[0], error)
            failed.append(items[0])
            return None
    middle = len(items) // 2
    await _prepare(route, items[:middle], failed)
    await _prepare(route, items[middle:], failed)
    return None


async def apply_whole(tx: Tx, route: Route, items: Sequence[Item], prepared: Any) -> None:
    """Apply a set; an error is the whole batch's, which is then rolled back."""
    outcomes = await route.apply(tx, [item.received for item in items if item.received], prepared)
    for item, outcome in zip(items, outcomes if outcomes is not None else [HANDLED] * len(items), strict=True):
        item.outcome = outcome


async def apply_isolated(tx: Tx, route: Route, items: Sequence[Item], prepared: Any) -> None:
    """Apply a set under a savepoint; after an error each half is applied by itself."""
    try:
        async with savepoint(tx):
            await apply_whole(tx, route, items, prepared)
    except Exception as error:
        if concerns_batch(error):
            raise
        if len(items) == 1:
            _condemn(items[0], error)
            return
    else:
        return
    middle = len(items) // 2
    await apply_isolated(tx, route, items[:middle], prepared)
    await apply_isolated(tx, route, items[middle:], prepared)


def _condemn(item: Item, error: Exception) -> None:
    item.outcome = fate(error)
    # The error's text may quote the record: its class and our codes are all that may be said.
    log.warning(
        "A record was set aside.",
        action="record_set_aside",
        outcome=item.outcome.name,
        reason=item.outcome.reason,
        topic=item.record.topic,
        partition=item.record.partition,
        offset=item.record.offset,
        where=_where(error),
    )


def _where(error: Exception) -> str:
    """Return file and line of an error's origin: where to look, without what was there."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return f"{last.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{last.tb_lineno}" if last else "unknown"
