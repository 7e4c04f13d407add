"""What goes wrong, when and where: a pure function of a seed and a number."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """A kind of fault."""

    KILL_SERVICE = "kill-service"
    TERM_SERVICE = "term-service"
    KILL_RELAY = "kill-relay-mid-batch"
    KILL_CONSUMER = "kill-consumer-between-commits"
    PAUSE_SERVICE = "pause-service"
    KAFKA_STOP = "kafka-stop"
    KAFKA_KILL = "kafka-kill"
    POSTGRES_IMMEDIATE = "postgres-immediate"
    BOTH_SERVERS = "kafka-and-postgres"
    NET_DELAY = "net-delay"
    NET_RESET = "net-reset"
    NET_HALF_OPEN = "net-half-open"
    NET_BLACK_HOLE = "net-black-hole"
    THIRD_MEMBER = "third-member"
    KAFKA_DISK_FULL = "kafka-disk-full"
    POSTGRES_DISK_FULL = "postgres-disk-full"
    WRONG_CLOCK = "wrong-clock"
    SMS_SLOW = "sms-slow"
    SMS_FAILS = "sms-500"
    SMS_HANGS = "sms-takes-and-hangs"
    SMTP_SLOW = "smtp-slow"
    SMTP_FAILS = "smtp-451"
    SMTP_HANGS = "smtp-takes-and-hangs"


NEEDS_VOLUMES = (Kind.KAFKA_DISK_FULL, Kind.POSTGRES_DISK_FULL)
"""Kinds that need a file system of their own, and with it the right to mount one."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How often a kind comes, beside the others; how long it lasts, in seconds; whether it needs a process, and a server."""

    weight: int
    shortest: float
    longest: float
    has_slot: bool = False
    has_server: bool = False


SHAPES = {
    Kind.KILL_SERVICE: Shape(20, 0, 0, has_slot=True),
    Kind.TERM_SERVICE: Shape(10, 0, 0, has_slot=True),
    Kind.KILL_RELAY: Shape(7, 0, 0, has_slot=True),
    Kind.KILL_CONSUMER: Shape(7, 0, 0, has_slot=True),
    Kind.PAUSE_SERVICE: Shape(5, 4, 14, has_slot=True),
    Kind.KAFKA_STOP: Shape(3, 1, 6),
    Kind.KAFKA_KILL: Shape(3, 1, 6),
    Kind.POSTGRES_IMMEDIATE: Shape(5, 1, 6),
    Kind.BOTH_SERVERS: Shape(2, 1, 6),
    Kind.NET_DELAY: Shape(7, 2, 8, has_slot=True, has_server=True),
    Kind.NET_RESET: Shape(7, 0.5, 4, has_slot=True, has_server=True),
    Kind.NET_HALF_OPEN: Shape(4, 1, 4, has_slot=True, has_server=True),
    Kind.NET_BLACK_HOLE: Shape(5, 2, 12, has_slot=True, has_server=True),
    Kind.THIRD_MEMBER: Shape(3, 3, 8, has_slot=True),
    Kind.KAFKA_DISK_FULL: Shape(1, 2, 4),
    Kind.POSTGRES_DISK_FULL: Shape(1, 2, 4),
    Kind.WRONG_CLOCK: Shape(2, 3, 6, has_slot=True),
    Kind.SMS_SLOW: Shape(2, 3, 6),
    Kind.SMS_FAILS: Shape(2, 1, 3),
    Kind.SMS_HANGS: Shape(1, 1, 3),
    Kind.SMTP_SLOW: Shape(1, 3, 6),
    Kind.SMTP_FAILS: Shape(1, 1, 3),
    Kind.SMTP_HANGS: Shape(1, 1, 3),
}
"""Weights follow how often such a thing happens to a system that runs for years: processes and networks most, disks least."""
LONG_PAUSE_SECONDS = 30.0
"""One pause of a process is three times a session time-out: it comes back to a group that has gone on without it."""
SERVERS = ("kafka", "postgres")
OVERLAP_SHARE = 0.2
"""One fault in five begins before the one before it has ended."""
LONGEST_REST = 2.0
"""Longest quiet time after a recovery, so that faults meet the system in every state."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `slot` is the process it befalls, `server` the one its network fails to; `overlaps` the fault before it."""

    number: int
    kind: Kind
    seconds: float
    slot: str = ""
    server: str = ""
    rest: float = 0.0
    overlaps: bool = False

    def __str__(self) -> str:
        return " ".join(part for part in (self.kind.value, self.slot, self.server and f"to {self.server}") if part)


def make_plan(seed: int, count: int, slots: Sequence[str], *, without: Collection[Kind] = ()) -> list[Fault]:
    """Return `count` faults. The same arguments give the same plan; each kind comes by its weight, and once at least where there is room."""
    chance = random.Random(seed)  # noqa: S311 - a plan to be repeated, no secret
    kinds = share_out(count, [kind for kind in Kind if kind not in without])
    chance.shuffle(kinds)
    plan: list[Fault] = []
    for number, kind in enumerate(kinds, 1):
        plan.append(_draw(chance, number, kind, slots, before=plan[-1] if plan else None))
    return _with_one_long_pause(plan)


def plan_outages(outages: Mapping[str, float]) -> list[Fault]:
    """Return long absences of servers, by name and seconds, one after the other. They have number 0: no seed has drawn them."""
    kinds = {"kafka": Kind.KAFKA_STOP, "postgres": Kind.POSTGRES_IMMEDIATE}
    return [Fault(0, kinds[server], seconds) for server, seconds in outages.items()]


def share_out(count: int, kinds: Sequence[Kind]) -> list[Kind]:
    """Return `count` kinds: each once where there is room, the rest by weight, the largest remainders first."""
    if count <= len(kinds):
        return sorted(kinds, key=lambda kind: -SHAPES[kind].weight)[:count]
    total = sum(SHAPES[kind].weight for kind in kinds)
    rest = count - len(kinds)
    exact = {kind: rest * SHAPES[kind].weight / total for kind in kinds}
    numbers = {kind: 1 + int(exact[kind]) for kind in kinds}
    for kind in sorted(kinds, key=lambda kind: int(exact[kind]) - exact[kind])[: count - sum(numbers.values())]:
        numbers[kind] += 1
    return [kind for kind in kinds for _ in range(numbers[kind])]


def _draw(chance: random.Random, number: int, kind: Kind, slots: Sequence[str], *, before: Fault | None) -> Fault:
    shape = SHAPES[kind]
    fault = Fault(
        number,
        kind,
        seconds=round(chance.uniform(shape.shortest, shape.longest), 1),
        slot=chance.choice(slots) if shape.has_slot else "",
        server=chance.choice(SERVERS) if shape.has_server else "",
        rest=round(chance.uniform(0, LONGEST_REST), 1),
    )
    wants = chance.random() < OVERLAP_SHARE
    return replace(fault, overlaps=wants and before is not None and not before.overlaps and can_overlap(before, fault))


def can_overlap(one: Fault, other: Fault) -> bool:
    """Whether two faults can be told apart while both last: they touch different things."""
    if one.kind is other.kind:
        return False
    if one.slot or other.slot:
        # A third member is of the whole service; so its two usual ones stay as they are.
        return one.slot.partition("-")[0] != other.slot.partition("-")[0]
    return one.kind.value.split("-")[0] != other.kind.value.split("-")[0] and Kind.BOTH_SERVERS not in (one.kind, other.kind)


def _with_one_long_pause(plan: list[Fault]) -> list[Fault]:
    place = next((i for i, fault in enumerate(plan) if fault.kind is Kind.PAUSE_SERVICE), None)
    if place is not None:
        plan[place] = replace(plan[place], seconds=LONG_PAUSE_SECONDS)
    return plan
