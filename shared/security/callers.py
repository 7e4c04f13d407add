"""Who calls: bearer tokens that name a person, roles and regions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.errors import RintisError

NATIONAL = "*"


class Unauthenticated(RintisError):
    """The call carries no bearer token that is known here."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or a system, what they may do and where.

    Regions are Kemendagri codes: `32` covers `32.73`, `*` the whole country.
    """

    person: str
    roles: frozenset[str]
    regions: frozenset[str]

    def may(self, role: str, region: str | None = None) -> bool:
        """Return whether the caller has the role, in the region where one is given."""
        return role in self.roles and (region is None or self.covers(region))

    def covers(self, region: str) -> bool:
        """Return whether the region is one of the caller's, or lies in one."""
        return any(own in (NATIONAL, region) or region.startswith(f"{own}.") for own in self.regions)


class Callers:
    """The known callers, by the digest of their token; the tokens themselves are not kept."""

    def __init__(self, callers: Iterable[tuple[str, Caller]]) -> None:
        self._by_digest = dict(callers)

    @classmethod
    def load(cls, path: Path | None) -> Callers:
        """Read a JSON list of {person, roles, regions, token_sha256}; without a file nobody is known."""
        if path is None:
            return cls([])
        entries = json.loads(path.read_text("utf-8"))
        return cls(
            (entry["token_sha256"], Caller(entry["person"], frozenset(entry["roles"]), frozenset(entry["regions"])))
            for entry in entries
        )

    def __iter__(self) -> Iterator[Caller]:
        return iter(self._by_digest.values())

    def authenticate(self, header: str | None) -> Caller:
        """Return who an `Authorization: Bearer` header names. Raises Unauthenticated."""
        scheme, _, token = (header or "").partition(" ")
        caller = self._by_digest.get(hashlib.sha256(token.strip().encode()).hexdigest())
        if scheme.lower() != "bearer" or caller is None:
            raise Unauthenticated
        return caller
