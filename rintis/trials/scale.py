"""More processes: eligibility's come and go under load, then senders are added while a slow provider takes its time for each SMS.

Nothing but the rate may change by it, and senders that only wait for a provider must send twice as much where they are twice as many.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from rintis.bench.loads import Load, OfRintis
from rintis.bench.measuring import WARM_UP, running
from rintis.bench.people import People
from rintis.bench.reconciling import Reconciled, reconcile
from rintis.bench.rintis_system import BenchStack, RintisSystem, Setup
from rintis.bench.run import SEATS_SHARE
from rintis.bench.sending import until_sent
from rintis.runtime.progress import Steps
from rintis.runtime.state import State

SENDERS = (1, 2, 4)
"""Processes that send, by and by."""
SMS_PER_CALL = 64
"""What a sender gives the provider in one call where much waits: the call takes so many times as long as an SMS."""
RAMP_CALLS = 2
"""New senders take their first sets during so many full calls; this is left out."""
MEASURED_CALLS = 8
"""Each number of senders is measured for so many: a call's messages are taken at its beginning, so that fewer tell little."""
LOOK_SECONDS = 0.25
LINEAR = 0.9
"""So many senders must send at least this share of as many times what one does."""


@dataclass(frozen=True, slots=True)
class Options:
    """How large: registrations, at which pace they come, and what the provider takes for an SMS."""

    count: int = 16_000
    per_second: float = 300.0
    sms_seconds: float = 0.05
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. `members` says when eligibility's processes came and went; SMS per second go by the number of senders."""

    count: int
    members: Sequence[str]
    settled_seconds: float
    """From the first publish to the last decision told."""
    sms_per_s: Mapping[int, float]
    linear: Mapping[int, float]
    """What so many senders sent, as a share of so many times what one sent."""
    ran_dry: bool
    """Whether nothing was left to be sent before the last measure ended: then the rates say nothing."""
    is_settled: bool
    reconciled: Reconciled

    @property
    def is_good(self) -> bool:
        """Whether senders scale, and all is there, once."""
        has_scaled = bool(self.linear) and min(self.linear.values()) >= LINEAR and not self.ran_dry
        return has_scaled and self.is_settled and self.reconciled.is_clean

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "is_good": self.is_good}


class Provider:
    """The simulator of the SMS provider."""

    def __init__(self, client: aiohttp.ClientSession, url: str) -> None:
        self._client = client
        self._url = url

    async def take_each(self, seconds: float) -> None:
        """Let every SMS take so long, one after the other in a call of many."""
        async with self._client.post(f"{self._url}/v1/behaviour", json={"each_seconds": seconds}) as answer:
            answer.raise_for_status()

    async def delivered(self) -> int:
        """Return how many SMS were taken so far."""
        async with self._client.get(f"{self._url}/v1/count") as answer:
            answer.raise_for_status()
            return int((await answer.json())["delivered"])

    async def watch(self, seconds: float) -> list[tuple[float, int]]:
        """Look for so long, and return when how many were delivered."""
        looks = []
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            looks.append((now, await self.delivered()))
            await asyncio.sleep(LOOK_SECONDS)
        return looks


async def play(state: State, options: Options, steps: Steps) -> Verdict:
    """Play it in a folder that the caller holds. Everything that was started is stopped again."""
    system = RintisSystem(state, Setup(round(options.count * SEATS_SHARE)), steps)
    load = Load(state.folder / "load.tsv", is_kept=False)
    with steps.step(f"Writing down {options.count:,} registrations"):
        load.write(OfRintis(), People(options.seed).take(WARM_UP + options.count))
    async with running(system, load, steps) as run, aiohttp.ClientSession() as client:
        members: list[str] = []
        began = time.monotonic()
        with steps.step(f"{options.count:,} registrations while processes of eligibility come and go") as say:
            publishing = run.feeder.publish(options.count, options.per_second)
            await asyncio.gather(publishing, come_and_go(system.stack, options, members, say))
            is_settled = await run.settle()
        settled_seconds = round(time.monotonic() - began, 1)
        provider = Provider(client, system.stack.variables()["RINTIS_SMS_URL"])
        rates = await scale(provider, system.stack, options, steps)
        ran_dry = not await system.is_unsent()
        await provider.take_each(0.0)
        with steps.step("Sending the rest"):
            await until_sent(system)
        with steps.step("rintis audit"):
            reconciled = await reconcile(system, load, run.feeder.published)
    shown = {number: round(rate, 1) for number, rate in rates.items()}
    return Verdict(options.count, members, settled_seconds, shown, linearity(rates), ran_dry, is_settled, reconciled)


async def come_and_go(stack: BenchStack, options: Options, members: list[str], say: Callable[[str], None]) -> None:
    """Add two processes of eligibility, and take them away again, spread over the time in which registrations come."""
    began, pause = time.monotonic(), options.count / options.per_second / 5

    def note(text: str) -> None:
        members.append(f"{time.monotonic() - began:.1f} s: {text}")
        say(members[-1])

    slots = []
    for number in range(1, 3):
        await asyncio.sleep(began + number * pause - time.monotonic())
        slots.append(await asyncio.to_thread(stack.add, "eligibility", "eligibility"))
        note(f"{slots[-1]} has come")
    for number, slot in enumerate(slots, 3):
        await asyncio.sleep(began + number * pause - time.monotonic())
        await asyncio.to_thread(stack.remove, slot)
        note(f"{slot} has gone")


async def scale(provider: Provider, stack: BenchStack, options: Options, steps: Steps) -> dict[int, float]:
    """Return how many SMS per second so many senders send while the provider takes its time for each."""
    await provider.take_each(options.sms_seconds)
    call_seconds = SMS_PER_CALL * options.sms_seconds
    rates: dict[int, float] = {}
    for number, before in zip(SENDERS, (0, *SENDERS), strict=False):
        with steps.step(f"Sending by {number} of {max(SENDERS)} processes"):
            await asyncio.to_thread(stack.add_senders, number - before)
            await asyncio.sleep(RAMP_CALLS * call_seconds)
            rates[number] = slope(await provider.watch(MEASURED_CALLS * call_seconds))
    return rates


def slope(looks: Sequence[tuple[float, int]]) -> float:
    """Return by how much a count grew per second: the line of least squares, because it grows by whole calls. Pure."""
    middle = sum(at for at, _ in looks) / len(looks)
    spread = sum((at - middle) ** 2 for at, _ in looks)
    return sum((at - middle) * count for at, count in looks) / spread if spread else 0.0


def linearity(rates: Mapping[int, float]) -> dict[int, float]:
    """Return what each number of senders sent as a share of so many times the fewest's rate. Pure."""
    fewest = min(rates)
    one = rates[fewest] / fewest
    return {number: round(rate / number / one, 3) if one else 0.0 for number, rate in rates.items() if number != fewest}
