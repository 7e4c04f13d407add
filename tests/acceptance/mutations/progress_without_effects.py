"""A service whose progress moves past records that had no effects: `python -m tests.acceptance.mutations.progress_without_effects`.

The service is named by MUTATED_SERVICE (`services.eligibility`) or the first argument. One record in `ONE_IN` is counted
as handled and changes nothing: what a position committed apart from its effects would look like after a crash.
"""

import os
import runpy
import sys
from collections.abc import Sequence
from typing import Any

from shared.messaging import isolation, pipeline
from shared.messaging.items import Item
from shared.messaging.outcomes import HANDLED
from shared.messaging.routes import Route
from shared.storage import Tx

ONE_IN = 5


async def apply_most(tx: Tx, route: Route, items: Sequence[Item], prepared: Any) -> None:
    """Apply all records but one in five, and let the position pass those too."""
    lost = [item for item in items if item.received and item.received.id.int % ONE_IN == 0]
    for item in lost:
        item.outcome = HANDLED
    if kept := [item for item in items if item not in lost]:
        await isolation.apply_isolated(tx, route, kept, prepared)


if __name__ == "__main__":
    for name in ("apply_whole", "apply_isolated"):
        setattr(pipeline, name, apply_most)
    runpy.run_module(sys.argv[1] if len(sys.argv) > 1 else os.environ["MUTATED_SERVICE"], run_name="__main__", alter_sys=True)
