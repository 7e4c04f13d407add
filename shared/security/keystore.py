"""The key store: one key per subject and box, wrapped by the box's master, in a database of its own."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

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
        made = {(subject, box): os.urandom(KEY_BYTES) for subject in sorted(set(subjects)) for box in sorted(boxes)}
        if not made:
            return keys
        wrapped = [self._wrap(subject, box, key) for (subject, box), key in made.items()]
        subjects_, boxes_ = zip(*made, strict=True)
        async with self.database.connection() as connection:
            rows = await connection.fetch(SQL["add_keys"], subjects_, boxes_, wrapped, expires_at)
        for subject, box in rows:
            keys[box][subject] = made[subject, box]
        for box, found in keys.items():
            # Who was there before keeps the key, who was erased has none.
            found.update(await self.find([subject for subject in set(subjects) if subject not in found], box))
        return keys

    async def find(self, subjects: Collection[UUID], box: str) -> dict[UUID, bytes | None]:
        """Return each subject's key of a box in one query; None where the subject was erased or its key has expired.

        Raises KeyMissing where there is neither key nor tombstone: then the store is wrong, not the person.
        """
        if not subjects:
            return {}
        async with self.database.connection() as connection:
            rows = await connection.fetch(SQL["find_keys"], list(set(subjects)), box)
        found: dict[UUID, bytes | None] = {}
        for row in rows:
            if row["is_erased"]:
                found[row["subject"]] = None
            elif row["wrapped"] is None:
                raise KeyMissing(f"no key of box {box} for subject {row['subject']}")
            else:
                found[row["subject"]] = self._unwrap(row["subject"], box, row["wrapped"])
        return found

    async def erase(self, subjects: Collection[UUID]) -> None:
        """Destroy every key of the subjects and leave tombstones. Doing it again changes nothing."""
        async with self.database.connection() as connection:
            await connection.execute(SQL["erase_subjects"], list(subjects))

    async def expire(self) -> bool:
        """Destroy keys whose time is over; return whether there may be more."""
        async with self.database.connection() as connection:
            status = await connection.execute(SQL["expire_keys"], EXPIRE_BATCH)
        return status == f"DELETE {EXPIRE_BATCH}"

    def _wrap(self, subject: UUID, box: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._masters[box].encrypt(nonce, key, f"{subject}|{box}".encode())

    def _unwrap(self, subject: UUID, box: str, wrapped: bytes) -> bytes:
        return self._masters[box].decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"{subject}|{box}".encode())
