"""Each kind of fault: how it is done to a running stage, from outside, and how it is taken away again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import aiohttp

from rintis.chaos.plan import Fault, Kind
from rintis.chaos.sight import AWAY_NOW, Sight
from rintis.chaos.stage import THIRD, Slot, Stage
from rintis.operations.edges import EDGES
from rintis.testing.kafka import EmbeddedKafka
from rintis.testing.postgres import EmbeddedPostgres
from rintis.testing.proxy import Link, Mode

MOMENT_SECONDS = 8.0
"""How long to wait for the one moment at which a process is to be killed; under a session time-out, so that nothing else happens first."""
LOOK_SECONDS = 0.1
DELAY_SECONDS = 0.15
"""Each way, added by a slow network: three times what lies between two islands of the country."""
CLOCK_OFF = timedelta(hours=2)
"""How far a wrong clock is off, forwards and backwards in turn."""
READY_SECONDS = 60.0
"""For a third member to be ready."""
FILL_SECONDS = 15.0
"""How long a server on a full disk may go on before the disk has room again."""
PROVIDER_SLOW_SECONDS = 2.0
PROVIDER_HANG_SECONDS = 20.0
"""Longer than a sender waits for an answer."""
MANY = 1_000_000
"""More messages than a fault can meet."""
HANGING = 20
"""Messages that are taken and never answered, at most: each holds up its sender for as long as that waits."""
MODES = {
    Kind.NET_DELAY: Mode.DELAY,
    Kind.NET_RESET: Mode.RESET,
    Kind.NET_HALF_OPEN: Mode.HALF_OPEN,
    Kind.NET_BLACK_HOLE: Mode.BLACK_HOLE,
}
CHANNELS = {"sms": "sms", "smtp": "email"}
"""What each simulator delivers."""


class Faults:
    """Does faults to a stage. Each returns when its cause is gone, with what was seen that shows it was met."""

    def __init__(self, stage: Stage, sight: Sight) -> None:
        self._stage = stage
        self._sight = sight
        self._acts: dict[Kind, Callable[[Fault], Awaitable[str]]] = {
            Kind.KILL_SERVICE: self._kill,
            Kind.TERM_SERVICE: self._stop,
            Kind.KILL_RELAY: self._kill_relay,
            Kind.KILL_CONSUMER: self._kill_consumer,
            Kind.PAUSE_SERVICE: self._pause,
            Kind.KAFKA_STOP: self._stop_kafka,
            Kind.KAFKA_KILL: self._kill_kafka,
            Kind.POSTGRES_IMMEDIATE: self._stop_postgres,
            Kind.BOTH_SERVERS: self._kill_both,
            **dict.fromkeys(MODES, self._disturb),
            Kind.THIRD_MEMBER: self._add_member,
            Kind.KAFKA_DISK_FULL: self._fill_kafka,
            Kind.POSTGRES_DISK_FULL: self._fill_postgres,
            Kind.WRONG_CLOCK: self._shift_clock,
            **dict.fromkeys((Kind.SMS_SLOW, Kind.SMTP_SLOW), self._slow_provider),
            **dict.fromkeys((Kind.SMS_FAILS, Kind.SMTP_FAILS), self._fail_provider),
            **dict.fromkeys((Kind.SMS_HANGS, Kind.SMTP_HANGS), self._hang_provider),
        }

    async def act(self, fault: Fault) -> str:
        """Do one fault and take its cause away."""
        return await self._acts[fault.kind](fault)

    def channels(self, fault: Fault) -> tuple[str, ...]:
        """Return the channels of messages that a fault disturbs."""
        provider = fault.kind.value.partition("-")[0]
        return (CHANNELS[provider],) if provider in CHANNELS else ()

    def _slot(self, fault: Fault) -> Slot:
        return self._stage.slots[fault.slot]

    async def _kill(self, fault: Fault) -> str:
        self._slot(fault).process.send(signal.SIGKILL)
        return ""

    async def _stop(self, fault: Fault) -> str:
        process, began = self._slot(fault).process, time.monotonic()
        number = process.pid
        process.send(signal.SIGTERM)
        # A process that has ended is soon followed by the next one in its slot.
        while process.exit_code is None and process.pid == number and time.monotonic() < began + READY_SECONDS:  # noqa: ASYNC110 - a process calls nobody
            await asyncio.sleep(LOOK_SECONDS)
        return f"ended after {time.monotonic() - began:.1f} s"

    async def _kill_relay(self, fault: Fault) -> str:
        """Kill a process whose relay has sent events and waits for acknowledgements, which are held back."""
        slot = self._slot(fault)

        async def has_lease() -> bool:
            return bool(await self._sight.lease_holders(slot.service) & slot.postgres.local_ports())

        return await self._kill_at(slot, Mode.MUTE_SERVER, has_lease, "its relay held buckets")

    async def _kill_consumer(self, fault: Fault) -> str:
        """Kill a process that has committed a batch in PostgreSQL, and whose commit to Kafka is held back."""
        slot = self._slot(fault)
        return await self._kill_at(slot, Mode.MUTE_CLIENT, lambda: self._is_ahead(slot.service), "PostgreSQL was ahead of Kafka")

    async def _is_ahead(self, service: str) -> bool:
        positions = {(topic, number): at for (_, topic, number), at in (await self._sight.positions(service)).items()}
        for reader in sorted({edge.reader for edge in EDGES if edge.hearer == service}):
            told = await self._sight.committed(reader)
            if any(positions[place] > offset for place, offset in told.items() if place in positions):
                return True
        return False

    async def _kill_at(self, slot: Slot, mode: Mode, is_moment: Callable[[], Awaitable[bool]], what: str) -> str:
        """Kill a process at a moment that lasts because its network holds something back: seen twice, it is no passing one."""
        end, seen = time.monotonic() + MOMENT_SECONDS, 0
        slot.kafka.behave(mode)
        try:
            while seen < 2 and time.monotonic() < end:
                await asyncio.sleep(LOOK_SECONDS)
                with contextlib.suppress(*AWAY_NOW):
                    seen = seen + 1 if await is_moment() else 0
            slot.process.send(signal.SIGKILL)
        finally:
            slot.kafka.behave(Mode.PASS)
        return what if seen >= 2 else "the moment did not come; killed all the same"

    async def _pause(self, fault: Fault) -> str:
        process = self._slot(fault).process
        process.send(signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            process.send(signal.SIGCONT)
        return f"stood still for {fault.seconds} s"

    async def _stop_kafka(self, fault: Fault) -> str:
        return await self._away(fault, self._stage.kafka.down, self._stage.kafka.up)

    async def _kill_kafka(self, fault: Fault) -> str:
        return await self._away(fault, self._stage.kafka.kill, self._stage.kafka.up)

    async def _stop_postgres(self, fault: Fault) -> str:
        return await self._away(fault, self._stage.postgres.stop_at_once, self._stage.postgres.up)

    @staticmethod
    async def _away(fault: Fault, end: Callable[[], None], start: Callable[[], None]) -> str:
        await asyncio.to_thread(end)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(start)
        return f"away for {fault.seconds} s and its start"

    async def _kill_both(self, fault: Fault) -> str:
        await asyncio.gather(self._kill_kafka(fault), self._stop_postgres(fault))
        return f"both away for {fault.seconds} s and their start"

    async def _disturb(self, fault: Fault) -> str:
        link: Link = getattr(self._slot(fault), fault.server)
        count = len(link.pairs)
        link.behave(MODES[fault.kind], DELAY_SECONDS)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            link.behave(Mode.PASS)
        return f"{count} connections for {fault.seconds} s"

    async def _add_member(self, fault: Fault) -> str:
        process = self._stage.slots[f"{self._slot(fault).service}-{THIRD}"].process
        process.start()
        try:
            await asyncio.to_thread(process.wait_until_ready, READY_SECONDS)
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(process.stop)
        return f"a third member took part for {fault.seconds} s"

    async def _fill_kafka(self, fault: Fault) -> str:
        return await self._fill(fault, "kafka", self._stage.kafka)

    async def _fill_postgres(self, fault: Fault) -> str:
        return await self._fill(fault, "postgres", self._stage.postgres)

    async def _fill(self, fault: Fault, name: str, server: EmbeddedKafka | EmbeddedPostgres) -> str:
        """Take a server's room until it gives up or time is over, give the room back, and start it where it has ended."""
        volume = self._stage.volumes[name]
        end = time.monotonic() + FILL_SECONDS
        try:
            await asyncio.to_thread(volume.fill)
            while time.monotonic() < end and server.is_running:  # noqa: ASYNC110 - a process calls nobody when it ends
                await asyncio.sleep(LOOK_SECONDS)
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(volume.free)
        await asyncio.sleep(LOOK_SECONDS)
        has_ended = not server.is_running
        await asyncio.to_thread(server.up)
        return "the server ended, and was started again" if has_ended else "the server stayed up"

    async def _shift_clock(self, fault: Fault) -> str:
        slot = self._slot(fault)
        off = CLOCK_OFF if fault.number % 2 else -CLOCK_OFF
        clock = replace(self._stage.clock, business_start=self._stage.clock.business_start + off)
        await self._stage.restart(slot, {"RINTIS_CLOCK": str(clock)})
        await asyncio.sleep(fault.seconds)
        await self._stage.restart(slot, {})
        return f"{off.total_seconds() / 3600:+.0f} h for {fault.seconds} s and two starts"

    async def _slow_provider(self, fault: Fault) -> str:
        await self._misbehave(fault, {"slow_seconds": PROVIDER_SLOW_SECONDS}, {"slow_seconds": 0.0})
        return f"{PROVIDER_SLOW_SECONDS} s an answer for {fault.seconds} s"

    async def _fail_provider(self, fault: Fault) -> str:
        await self._misbehave(fault, {"fail_next": MANY}, {"fail_next": 0})
        return f"every message refused for {fault.seconds} s"

    async def _hang_provider(self, fault: Fault) -> str:
        await self._misbehave(fault, {"hang_next": HANGING, "hang_seconds": PROVIDER_HANG_SECONDS}, {"hang_next": 0})
        return f"up to {HANGING} messages taken and not answered"

    async def _misbehave(self, fault: Fault, bad: dict[str, float], good: dict[str, float]) -> None:
        address = self._stage.controls[fault.kind.value.partition("-")[0]]
        async with aiohttp.ClientSession(raise_for_status=True) as client:
            await (await client.post(address, json=bad)).read()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                await (await client.post(address, json=good)).read()
