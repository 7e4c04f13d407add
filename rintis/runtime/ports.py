"""Chooses the ports that servers and services listen on."""

from __future__ import annotations

import os
import random
import socket
from collections import deque

from rintis.runtime.errors import CannotStart

LOOPBACK = "127.0.0.1"
CHOICE = range(20_000, 32_000)
"""Below the range from which Linux takes ports for outgoing connections, so that a port chosen now is still free a moment later."""
TRIES = 200
"""So many taken ports in a row mean that something else is wrong."""
_given: deque[int] = deque(maxlen=2_000)
"""What this process chose last and may not listen on yet: of fifty ports chosen at once, two are the same in one case of ten."""


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of this machine's loopback address."""
    with socket.socket() as probe:
        # A listener may take a port whose old connections are still closing; so may the probe.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port on which nobody listens.

    Raises:
        CannotStart: where no free port was found.
    """
    for _ in range(TRIES):
        port = random.choice(CHOICE)  # noqa: S311 - spreads choices of several starts; no secret
        if port not in _given and is_free(port):
            _given.append(port)
            return port
    raise CannotStart(
        f"No free port found between {CHOICE.start} and {CHOICE.stop}.", "Is the loopback interface up? (`ip link set lo up`)"
    )


def choose_port(name: str, usual: int) -> int:
    """Return the port for `name`: what RINTIS_PORT_<NAME> says, else the usual one, else any free one.

    Raises:
        CannotStart: where the port that the user asked for is taken; a port of our own choice just moves.
    """
    variable = f"RINTIS_PORT_{name.upper()}"
    if not (wanted := os.environ.get(variable)):
        return usual if is_free(usual) else free_port()
    if not wanted.isdecimal() or not is_free(int(wanted)):
        raise CannotStart(
            f"Port {wanted} for {name} ({variable}) is taken.",
            f"Stop what listens there (`ss -ltnp 'sport = :{wanted}'`), set {variable} to another port, or unset it to let Rintis choose.",
        )
    return int(wanted)
