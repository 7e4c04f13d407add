"""The last minutes before a cut-off: reports come faster and faster, and each must count for what the broker's clock says.

Business time runs as fast as real time. What must become of each permit follows from the broker's time-stamps alone.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from rintis.bench.reconciling import audit
from rintis.demo.companies import DUE_DAYS, Permit, deadline, generate, report
from rintis.runtime.databases import SERVICES
from rintis.runtime.errors import CannotStart
from rintis.runtime.progress import Steps
from rintis.runtime.stack import Options as StackOptions
from rintis.runtime.stack import Stack
from rintis.runtime.state import State
from shared.clock import Clock
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import FilingSubmitted, IntakeEvent, PermitIssued
from shared.storage.sql import load_queries

SQL = load_queries("rintis.trials")
DUE_ON = DUE_DAYS[0]
SILENT_SHARE = 0.1
"""Permits that do not report in time."""
LATE_SHARE = 0.2
"""Of these, so many report in the half minute after the cut-off."""
LATE_SECONDS = 30.0
FOUND_SECONDS = 60.0
"""Within so many seconds after the cut-off every miss must be on record."""
LOADING_RECORDS = 500
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
"""Without any change for so long, what is not there is lost or stuck."""
SETTLED_STATES = frozenset({"filed", "late", "missed"})


@dataclass(frozen=True, slots=True)
class Options:
    """How large. `lead_seconds` is the time for starting everything and for the permits, before the first report is due."""

    permits: int = 16_000
    filings: int = 20_000
    minutes: float = 10.0
    lead_seconds: float = 240.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Planned:
    """One report: of which permit, its place among all, and when it is sent, in seconds after the cut-off."""

    permit: int
    number: int
    at: float


@dataclass(frozen=True, slots=True)
class Taken:
    """One report that the broker has taken, and when by its clock, as business time."""

    permit_number: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. Times are seconds after the cut-off."""

    permits: int
    filings: int
    per_second_last_minute: float
    in_time: int
    late: int
    missed: int
    wrong: int
    lost: int
    doubled: int
    misses_found_seconds: float
    counted_seconds: float
    is_settled: bool
    audit: Mapping[str, Any]
    examples: Sequence[str] = ()

    @property
    def is_good(self) -> bool:
        """Whether each report counts as it must, each miss was found in time, and the audit finds nothing."""
        broken = (
            self.wrong or self.lost or self.doubled or any(self.audit.get(name, 1) for name in ("missing", "double", "stuck"))
        )
        return self.is_settled and not broken and self.misses_found_seconds <= FOUND_SECONDS

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "is_good": self.is_good}


def plan(options: Options) -> list[Planned]:
    """Return the reports in the order in which they are sent; ever more of them towards the cut-off. Pure."""
    random, length = Random(options.seed), options.minutes * 60  # noqa: S311 - repeatable on purpose, nothing secret comes of it
    silent = round(options.permits * SILENT_SHARE)
    reporting = options.permits - silent
    if options.filings < reporting:
        raise CannotStart(f"{options.filings} reports are too few.", f"{reporting} permits report at least once.")
    permits = [*range(reporting), *(random.randrange(reporting) for _ in range(options.filings - reporting))]
    # The square root puts half of them into the last three tenths of the time.
    moments = [(permit, length * (math.sqrt(random.random()) - 1)) for permit in permits]
    late = range(reporting, reporting + round(silent * LATE_SHARE))
    moments += [(permit, random.uniform(0.5, LATE_SECONDS)) for permit in late]
    ordered = sorted(moments, key=lambda moment: moment[1])
    return [Planned(permit, number, at) for number, (permit, at) in enumerate(ordered)]


def foresee(taken: Iterable[Taken], numbers: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Return for each permit the state that its period must end in and how many reports it must count. Pure."""
    end = deadline(DUE_ON)
    counts = Counter(filing.permit_number for filing in taken)
    in_time = {filing.permit_number for filing in taken if filing.at < end}
    return {
        number: ("filed" if number in in_time else "late" if counts[number] else "missed", counts[number]) for number in numbers
    }


async def play(state: State, options: Options, steps: Steps) -> Verdict:
    """Play it in a folder that the caller holds. Everything that was started is stopped again."""
    begins = deadline(DUE_ON) - timedelta(minutes=options.minutes, seconds=options.lead_seconds)
    clock = Clock(begins, datetime.now(UTC), 1.0)
    stack = Stack(state, StackOptions(services=SERVICES, settings={"RINTIS_CLOCK": str(clock)}), steps)
    try:
        await asyncio.to_thread(stack.start)
        if stack.databases is None:
            raise CannotStart("The trial needs servers of its own.", "Unset DATABASE_URL_*.")
        connection = await asyncpg.connect(stack.databases.url("reporting", "reporting"))
        try:
            return await Cutoff(stack, clock, connection, options, steps).run()
        finally:
            await connection.close()
    finally:
        await asyncio.to_thread(stack.stop)


class Cutoff:
    """The trial on a started stack."""

    def __init__(self, stack: Stack, clock: Clock, connection: Any, options: Options, steps: Steps) -> None:
        self._stack = stack
        self._clock = clock
        self._connection = connection
        self._options = options
        self._steps = steps
        self._permits = generate(options.permits, options.seed)

    async def run(self) -> Verdict:
        """Issue the permits, send the reports, wait, and compare."""
        reports = plan(self._options)
        producer = AIOKafkaProducer(bootstrap_servers=self._stack.bootstrap, acks="all", enable_idempotence=True, linger_ms=5)
        await producer.start()
        try:
            await self._issue(producer)
            taken = await self._file(producer, reports)
        finally:
            await producer.stop()
        with self._steps.step("Waiting until every report counts and every period is closed"):
            counted = await self._settle(len(taken))
        with self._steps.step("rintis audit"):
            audited = await audit(self._stack)
        return await self._judge(taken, reports, counted, audited)

    async def _issue(self, producer: Any) -> None:
        first = self._clock.real(deadline(DUE_ON) - timedelta(minutes=self._options.minutes))
        with self._steps.step(f"{len(self._permits):,} permits") as say:
            for start in range(0, len(self._permits), LOADING_RECORDS):
                part = self._permits[start : start + LOADING_RECORDS]
                await asyncio.gather(
                    *[await self._send(producer, "oss", PermitIssued.model_validate(one.data), one.number) for one in part]
                )
            while (known := (await self._row("count_ledger"))["permits"]) < len(self._permits):
                say(f"{known:,} known")
                if datetime.now(UTC) > first:
                    raise CannotStart("The permits were not all known when the first reports were due.", "Give it a longer lead.")
                await asyncio.sleep(LOOK_SECONDS)

    async def _file(self, producer: Any, reports: Sequence[Planned]) -> list[Taken]:
        end = self._clock.real(deadline(DUE_ON)).timestamp()
        sent: list[tuple[Permit, Any]] = []
        with self._steps.step(f"{len(reports):,} reports, most of them shortly before the cut-off") as say:
            for planned in reports:
                if (pause := end + planned.at - time.time()) > 0:
                    say(f"{len(sent):,} sent, {-planned.at:.0f} s to go")
                    await asyncio.sleep(pause)
                permit = self._permits[planned.permit]
                event = FilingSubmitted.model_validate(
                    report(Random(planned.number), permit.data, DUE_ON) | {"reference": f"LAP-{planned.number}"}  # noqa: S311 - as above
                )
                sent.append((permit, await self._send(producer, "siinas", event, str(planned.number))))
            stamps = await asyncio.gather(*[future for _, future in sent])
        return [
            Taken(permit.number, self._clock.at(datetime.fromtimestamp(stamp.timestamp / 1000, UTC)))
            for (permit, _), stamp in zip(sent, stamps, strict=True)
        ]

    async def _send(self, producer: Any, publisher: str, event: IntakeEvent, id_: str) -> Any:
        envelope = Envelope(id_, f"https://{publisher}.contoh.go.id", event.TYPE, self._clock.now())
        value = event.model_dump_json(exclude_none=True).encode()
        return await producer.send(f"{event.TOPIC}.{publisher}", value, key=event.key().encode(), headers=headers_of(envelope))

    async def _settle(self, filings: int) -> float | None:
        """Return the real time at which all was counted; None where nothing moves any more before it is."""
        last, since = None, time.monotonic()
        while time.monotonic() < since + PATIENCE_SECONDS:
            row = await self._row("count_filings")
            if row["accepted"] >= filings and not row["open"]:
                return time.time()
            if row != last:
                last, since = row, time.monotonic()
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _judge(
        self, taken: Sequence[Taken], reports: Sequence[Planned], counted: float | None, audited: Mapping[str, Any]
    ) -> Verdict:
        end = deadline(DUE_ON)
        rows = {row["number"]: row for row in await self._connection.fetch(SQL["find_periods"], DUE_ON)}
        must = foresee(taken, [permit.number for permit in self._permits])
        wrong = [number for number, expected in must.items() if number not in rows or _found(rows[number]) != expected]
        stored = (await self._row("count_filings"))["filings"]
        misses = [row["missed_at"] for row in rows.values() if row["missed_at"] is not None]
        return Verdict(
            permits=len(must),
            filings=len(taken),
            per_second_last_minute=round(sum(-60 <= planned.at < 0 for planned in reports) / 60, 1),
            in_time=sum(filing.at < end for filing in taken),
            late=sum(filing.at >= end for filing in taken),
            missed=len(misses),
            wrong=len(wrong),
            lost=max(0, len(taken) - stored),
            doubled=max(0, stored - len(taken)),
            misses_found_seconds=round(max(((at - end).total_seconds() for at in misses), default=0.0), 2),
            counted_seconds=round(counted - self._clock.real(end).timestamp(), 2) if counted else 0.0,
            is_settled=counted is not None,
            audit=audited,
            examples=[f"{number}: {must[number]}, found {_found(rows.get(number))}" for number in wrong[:5]],
        )

    async def _row(self, block: str) -> dict[str, Any]:
        return dict(await self._connection.fetchrow(SQL[block], DUE_ON))


def _found(row: Any) -> tuple[str, int] | None:
    return (row["state"], row["versions"]) if row is not None else None
