"""Where parked and dead records of the intake rest: sealed under a key per day, which expires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.contracts.envelope import derive_id
from shared.errors import Unprocessable
from shared.security import KeyStore, open_bytes, seal_bytes

BOX = "record"
SCHEMA = "intake_record"


class Vault:
    """Seals whole records. After `days` their key is gone and nobody can read them."""

    def __init__(self, service: str, keys: KeyStore, days: int) -> None:
        self._service = service
        self._keys = keys
        self._days = days

    async def seal(self, records: Sequence[bytes]) -> list[tuple[bytes, UUID | None]]:
        """Seal records under today's key; returns each with the subject of the key."""
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        subject = derive_id(self._service, "vault", at=today)
        await self._keys.create([subject], [BOX], expires_at=today + timedelta(days=self._days + 1))
        key = (await self._keys.find([subject], BOX))[subject]
        if key is None:
            raise Unprocessable("vault_closed", BOX)
        return [(seal_bytes(key, subject, BOX, SCHEMA, record), subject) for record in records]

    async def open(self, subject: UUID, sealed: bytes) -> bytes:
        """Open one record. Raises Unprocessable once its key has expired."""
        key = (await self._keys.find([subject], BOX))[subject]
        if key is None:
            raise Unprocessable("record_expired", BOX)
        return open_bytes(key, subject, BOX, SCHEMA, sealed)
