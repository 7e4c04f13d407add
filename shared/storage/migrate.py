"""Migrations: numbered SQL files, each applied once, under an advisory lock."""

from __future__ import annotations

import hashlib
from pathlib import Path

from shared.errors import Fatal
from shared.storage.database import Database
from shared.storage.lending import Tx

MIGRATION_LOCK = 7_210_001
"""Advisory lock that all processes of a service take before they look at the schema."""

_TABLE = """
create table if not exists migrations (
  name text not null constraint migrations_pkey primary key,
  digest text not null,
  applied_at timestamptz not null default clock_timestamp()
)
"""


class MigrationChanged(Fatal):
    """A migration that was applied has another content now."""


async def migrate(database: Database, *folders: Path) -> list[str]:
    """Apply what is missing of the folders' `NNNN_*.sql`, folder by folder, and return the names applied."""
    applied: list[str] = []
    async with database.transaction() as tx:
        await tx.execute("select pg_advisory_xact_lock($1)", MIGRATION_LOCK)
        await tx.execute(_TABLE)
        for folder in folders:
            for path in sorted(folder.glob("[0-9]*.sql")):
                applied += await _apply(tx, f"{folder.parent.name}/{path.name}", path.read_text("utf-8"))
    return applied


async def _apply(tx: Tx, name: str, text: str) -> list[str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = await tx.fetchval("select digest from migrations where name = $1", name)
    if known == digest:
        return []
    if known is not None:
        raise MigrationChanged(f"migration {name} was applied with another content; write a new one instead")
    await tx.execute(text)
    await tx.execute("insert into migrations (name, digest) values ($1, $2)", name, digest)
    return [name]
