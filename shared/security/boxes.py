"""Sealed boxes: AES-256-GCM, a key per subject and box, bound to subject, box and schema."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, ValidationError

from shared.errors import Unprocessable
from shared.security.keystore import NONCE_BYTES, KeyStore

M = TypeVar("M", bound=BaseModel)

PREFIX = "v1."


def seal_bytes(key: bytes, subject: UUID, box: str, schema: str, plain: bytes) -> bytes:
    """Encrypt, bound to subject, box and schema: a box moved to another subject does not open."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, f"{subject}|{box}|{schema}".encode())


def open_bytes(key: bytes, subject: UUID, box: str, schema: str, sealed: bytes) -> bytes:
    """Decrypt what `seal_bytes` made. Raises Unprocessable where it does not belong to this subject, box and schema."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], f"{subject}|{box}|{schema}".encode())
    except InvalidTag as error:
        raise Unprocessable("box_unreadable", box) from error


class Boxes:
    """Seals and opens boxes in sets: one look-up of keys for the set."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys

    async def seal(
        self, items: Sequence[tuple[UUID, BaseModel]], box: str, keys: Mapping[UUID, bytes | None] | None = None
    ) -> list[str | None]:
        """Seal each content for its subject, in order; None where the subject was erased. `keys`: those just made, if any."""
        if keys is None:
            keys = await self.keys.find({subject for subject, _ in items}, box)
        return [self._seal(keys[subject], subject, box, content) for subject, content in items]

    async def open(self, items: Sequence[tuple[UUID, str]], box: str, model: type[M]) -> list[M | None]:
        """Open each box, in order; None where the subject was erased.

        Raises Unprocessable for a box that belongs to somebody else or was changed.
        """
        keys = await self.keys.find({subject for subject, _ in items}, box)
        return [self._open(keys[subject], subject, box, sealed, model) for subject, sealed in items]

    @staticmethod
    def _seal(key: bytes | None, subject: UUID, box: str, content: BaseModel) -> str | None:
        if key is None:
            return None
        plain = content.__pydantic_serializer__.to_json(content)
        return PREFIX + urlsafe_b64encode(seal_bytes(key, subject, box, type(content).__name__, plain)).decode().rstrip("=")

    @staticmethod
    def _open(key: bytes | None, subject: UUID, box: str, sealed: str, model: type[M]) -> M | None:
        if key is None:
            return None
        text = sealed.removeprefix(PREFIX)
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        try:
            return model.model_validate_json(open_bytes(key, subject, box, model.__name__, raw))
        except ValidationError:
            # Its text quotes what was in the box.
            raise Unprocessable("box_malformed", box) from None
