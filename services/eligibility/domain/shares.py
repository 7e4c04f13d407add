"""Which of several processes serves which province, so that each has its share of the seats."""

from __future__ import annotations

from collections.abc import Collection, Mapping


def share_of(member: str, members: Collection[str], seats: Mapping[str, int]) -> frozenset[str]:
    """Return the provinces that a member serves; `seats` says how many seats each province has.

    The largest province goes first, each to whoever has the fewest seats so far: the greedy rule of list scheduling, whose
    largest share is at most 4/3 of the best possible (Graham, "Bounds on multiprocessing timing anomalies", 1969).
    Everybody who knows the same members comes to the same answer.
    """
    loads = dict.fromkeys(sorted({*members, member}), 0)
    own: set[str] = set()
    for province in sorted(seats, key=lambda code: (-seats[code], code)):
        server = min(loads, key=lambda name: (loads[name], name))
        # A province without seats is work too: people there are referred.
        loads[server] += max(1, seats[province])
        if server == member:
            own.add(province)
    return frozenset(own)
