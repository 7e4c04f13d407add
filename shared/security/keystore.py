"""The key store: one key per subject and box, wrapped by the box's master, in a database of its own."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import KeyMissing
from shared.storage.database import Database
from shared.storage.sql import load_queries

SQL = load_queries("shared.security")

KEY_BYTES = 32
NONCE_BYTES = 12
EXPIRE_BATCH = 1000
"""Expired keys turned into tombstones in one statement."""


Keys = Mapping[str, Mapping[UUID, bytes | None]]
"""Keys of subjects by box; None where the subject was erased."""


class KeyStore:
    """Makes, finds and destroys keys. A service holds the masters of its own boxes only.

    Nothing is cached: an erased subject is unreadable from the next batch on.
    """

    def __init__(self, database: Database, masters: Mapping[str, bytes]) -> None:
        self.database = database
        self._masters = {box: AESGCM(master) for box, master in masters.items()}

    async def create(self, subjects: Collection[UUID], boxes: Collection[str], *, expires_at: datetime | None = None) -> Keys:
        """Make the keys that are missing, committed at once; return every subject's key by box, as `find` does.

        `expires_at` is real time: after it the key counts as erased.
        A crash after this leaves unused keys, never an unreadable person.
        """
        keys: dict[str, dict[UUID, bytes | None]] = {box: {} for box in boxes}
        wanted = [(subject, box) for subject in sorted(set(subjects)) for box in sorted(boxes)]
        if not wanted:
            return keys
        made = dict(zip(wanted, _random(len(wanted), KEY_BYTES), strict=True))
        nonces = _random(len(wanted), NONCE_BYTES)
        wrapped = [self._wrap(*place, key, nonce) for (place, key), nonce in zip(made.items(), nonces, strict=True)]
        subjects_, boxes_ = zip(*wanted, strict=True)
        rows = await self._add(subjects_, boxes_, wrapped, expires_at)
        for subject, box in rows:
            keys[box][subject] = made[subject, box]
        if len(rows) < len(wanted):
            # Who was there before keeps the key, who was erased has none.
            rest = {subject for subject, box in wanted if subject not in keys[box]}
            for box, found in (await self._find(rest, boxes)).items():
                keys[box] |= found
        return keys

    async def find(self, subjects: Collection[UUID], box: str) -> dict[UUID, bytes | None]:
        """Return each subject's key of a box in one query; None where the subject was erased or its key has expired.

        Raises KeyMissing where there is neither key nor tombstone: then the store is wrong, not the person.
        """
        return (await self._find(subjects, (box,)))[box]

    async def erase(self, subjects: Collection[UUID]) -> None:
        """Destroy every key of the subjects and leave tombstones. Doing it again changes nothing."""
        async with self.database.connection() as connection:
            await connection.execute(SQL["erase_subjects"], list(subjects))

    async def expire(self) -> bool:
        """Destroy keys whose time is over; return whether there may be more."""
        async with self.database.connection() as connection:
            status = await connection.execute(SQL["expire_keys"], EXPIRE_BATCH)
        return status == f"DELETE {EXPIRE_BATCH}"

    async def _add(
        self, subjects: Sequence[UUID], boxes: Sequence[str], wrapped: Sequence[bytes], expires_at: datetime | None
    ) -> list[Any]:
        """Store the keys that are missing; where a rival made one of them meanwhile, it is there to be seen when all is done again."""
        async with self.database.connection() as connection:
            # Each violation is of a key that is there from then on, so there are no more of them than keys.
            for _ in wrapped:
                try:
                    return list(await connection.fetch(SQL["add_keys"], subjects, boxes, wrapped, expires_at))
                except asyncpg.UniqueViolationError:
                    continue
            return list(await connection.fetch(SQL["add_keys"], subjects, boxes, wrapped, expires_at))

    async def _find(self, subjects: Collection[UUID], boxes: Collection[str]) -> dict[str, dict[UUID, bytes | None]]:
        """Return each subject's keys of these boxes, by box, in one query."""
        keys: dict[str, dict[UUID, bytes | None]] = {box: {} for box in boxes}
        if not subjects:
            return keys
        async with self.database.connection() as connection:
            rows = await connection.fetch(SQL["find_keys"], list(set(subjects)), list(keys))
        for subject, box, wrapped, is_erased in rows:
            if is_erased:
                keys[box][subject] = None
            elif wrapped is None:
                raise KeyMissing(f"no key of box {box} for subject {subject}")
            else:
                keys[box][subject] = self._unwrap(subject, box, wrapped)
        return keys

    def _wrap(self, subject: UUID, box: str, key: bytes, nonce: bytes) -> bytes:
        return nonce + self._masters[box].encrypt(nonce, key, f"{subject}|{box}".encode())

    def _unwrap(self, subject: UUID, box: str, wrapped: bytes) -> bytes:
        return self._masters[box].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"{subject}|{box}".encode())


def _random(count: int, size: int) -> list[bytes]:
    """Return so many random texts, asked for at once: the system is called once a batch, not three times a person."""
    drawn = os.urandom(count * size)
    return [drawn[start : start + size] for start in range(0, len(drawn), size)]
