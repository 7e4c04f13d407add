"""Secrets of one machine: made once, kept in the state folder, readable by its owner only.

A real installation brings its own by the same environment variables and has no such file.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from rintis.runtime.databases import ROLES
from rintis.runtime.postgres import ADMIN
from rintis.runtime.state import State

MASTER_BYTES = 32
"""AES-256."""
MASTERS = ("identity", "contact", "facts", "company", "record")
"""One master key a box; `record` seals dead and parked records of intake."""
MASTERS_OF = {
    "registration": ("identity", "contact", "facts", "record"),
    "eligibility": ("facts", "record"),
    "notification": ("contact", "company", "record"),
    "reporting": ("company", "record"),
}
"""A service is given the masters of the boxes that it opens or seals, and of its own set-aside records."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may call the services' HTTP APIs."""

    name: str
    roles: tuple[str, ...]
    regions: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What `load_secrets` found or made."""

    passwords: Mapping[str, str]
    masters: Mapping[str, str]
    blind_keys: str
    sms_token: str
    tokens: Mapping[str, str]
    callers_file: Path

    def environment(self, service: str) -> dict[str, str]:
        """Return the variables with one service's keys, and no other's."""
        own = {f"RINTIS_MASTER_{box.upper()}": self.masters[box] for box in MASTERS_OF.get(service, ())}
        if service == "registration":
            own["RINTIS_BLIND_KEYS"] = self.blind_keys
        if service == "notification":
            own["RINTIS_SMS_TOKEN"] = self.sms_token
        return own | {"RINTIS_CALLERS_FILE": str(self.callers_file)}


def load_secrets(state: State, people: Collection[Person]) -> Secrets:
    """Return this machine's secrets, making those that are missing; each person has one bearer token."""
    kept = state.read("secrets.json", {})
    passwords = kept.setdefault("passwords", {})
    for role in (ADMIN, *ROLES):
        passwords.setdefault(role, secrets.token_urlsafe(24))
    masters = kept.setdefault("masters", {})
    for box in MASTERS:
        masters.setdefault(box, _key())
    kept.setdefault("blind_keys", f"1:{_key()}")
    kept.setdefault("sms_token", secrets.token_urlsafe(24))
    state.write("secrets.json", kept)
    tokens, callers_file = _load_callers(state, people)
    return Secrets(passwords, masters, kept["blind_keys"], kept["sms_token"], tokens, callers_file)


def _load_callers(state: State, people: Collection[Person]) -> tuple[dict[str, str], Path]:
    """Write who may call: the tokens for their owners, their digests for the services."""
    tokens = state.read("tokens.json", {})
    for person in people:
        tokens.setdefault(person.name, secrets.token_urlsafe(24))
    state.write("tokens.json", tokens)
    callers = [
        {
            "person": person.name,
            "roles": list(person.roles),
            "regions": list(person.regions),
            "token_sha256": hashlib.sha256(tokens[person.name].encode()).hexdigest(),
        }
        for person in people
    ]
    return tokens, state.write("callers.json", callers)


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(MASTER_BYTES)).decode()
