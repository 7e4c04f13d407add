"""The stack with a clock of its own: business time runs thousands of times faster, from a day in May 2020."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from rintis.runtime.jars import kafka_jars
from rintis.runtime.progress import Steps
from rintis.runtime.stack import Options, Stack
from rintis.runtime.state import State
from shared.clock import Clock

BEGINS = datetime(2020, 5, 11, 0, 0, tzinfo=UTC)
"""Monday 07:00 WIB, in the first week after the policy of 8 May 2020."""
ENDS = datetime(2020, 5, 23, 12, 0, tzinfo=UTC)
"""After the last late report; two Fridays lie between."""
LEAST_START_SECONDS = 10.0
"""Until business time reaches BEGINS: services need 5 to 10 s on an idle machine. Before, the clock shows earlier days."""
OFFER_HOURS = 240
"""Ten days instead of three: at the demo's speed that is a minute and a half for an SMS to be sent, read and answered."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to play. `factor` is business seconds per second; `patience_seconds` bounds each wait for the services."""

    registrations: int = 5000
    permits: int = 1000
    seed: int = 1
    factor: float = 10_000.0
    patience_seconds: float = 600.0
    settings: Mapping[str, str] = field(default_factory=dict)


class ClockedStack(Stack):
    """A stack whose clock starts when its services do."""

    def __init__(self, state: State, plan: Plan, steps: Steps) -> None:
        super().__init__(state, Options(), steps)
        self.plan = plan
        self.clock = Clock()
        self._pace = 0.0

    def start_servers(self) -> None:
        """Start the servers, and take the time: where they are slow, so will the services be."""
        if not self.bootstrap:
            # A first start downloads: that says nothing about how fast the machine is.
            kafka_jars(self.steps)
        began = time.monotonic()
        super().start_servers()
        self._pace = time.monotonic() - began

    def _start_services(self) -> None:
        pause = max(LEAST_START_SECONDS, self._pace)
        self.clock = Clock(BEGINS, datetime.now(UTC) + timedelta(seconds=pause), self.plan.factor)
        settings = {"RINTIS_CLOCK": str(self.clock), "RINTIS_ELIGIBILITY_OFFER_HOURS": str(OFFER_HOURS), **self.plan.settings}
        self.options = replace(self.options, settings=settings)
        super()._start_services()
