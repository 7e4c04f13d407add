"""What happens meanwhile, on a terminal: one table that moves."""

from __future__ import annotations

import asyncio
from collections import Counter

from rich.console import Console
from rich.live import Live
from rich.table import Table

from rintis.demo.companies import DUE_DAYS
from rintis.demo.observed import Databases
from shared.clock import JAKARTA, Clock

LOOK_SECONDS = 1.0
"""Each look costs each database one short statement."""


async def show_for_ever(console: Console, databases: Databases, clock: Clock) -> None:
    """Show the moving numbers until cancelled; nothing where nobody watches."""
    if not console.is_terminal:
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:
        while True:
            live.update(await _picture(databases, clock), refresh=True)
            await asyncio.sleep(LOOK_SECONDS)


async def _picture(databases: Databases, clock: Clock) -> Table:
    verdicts = await databases.rows("registration", "count_verdicts")
    decided = await databases.row("eligibility", "count_decided")
    messages: Counter[str] = Counter()
    for row in await databases.rows("notification", "count_messages", DUE_DAYS[-1].isoformat()):
        messages[row["state"]] += row["messages"]
    companies = await databases.row("reporting", "count_overdue", DUE_DAYS[-1])
    table = Table(title=f"{clock.now().astimezone(JAKARTA):%d %B %Y, %H:%M} WIB", show_header=False, title_justify="left")
    registrations = ((row["verdict"], row["submissions"]) for row in verdicts if row["kind"] == "registration")
    table.add_row("Registrations", ", ".join(f"{verdict} {count:,}" for verdict, count in registrations))
    table.add_row("Decisions", f"{decided['decided']:,}; reviews open {decided['reviews']:,}")
    table.add_row("Seats", f"waiting for the allocator {decided['requests']:,}, accepted {decided['accepted']:,}")
    table.add_row("Messages", ", ".join(f"{state} {count:,}" for state, count in sorted(messages.items())))
    table.add_row("Companies", f"permits {companies['permits']:,}, reports {companies['filings']:,}, due {companies['open']:,}")
    return table
