"""Storage that every service shares: database, migrations, SQL files, outbox and flow ledger."""

from pathlib import Path

from shared.storage.database import AWAY, CONTENTION, TRANSIENT, Database
from shared.storage.flow import Heard, fold_flow, record_arrivals, record_heard
from shared.storage.lending import Tx, savepoint
from shared.storage.migrate import migrate
from shared.storage.outbox import Outbox, Outgoing
from shared.storage.sql import Queries, load_queries

MIGRATIONS = Path(__file__).parent / "migrations"

__all__ = [
    "AWAY",
    "CONTENTION",
    "MIGRATIONS",
    "TRANSIENT",
    "Database",
    "Heard",
    "Outbox",
    "Outgoing",
    "Queries",
    "Tx",
    "fold_flow",
    "load_queries",
    "migrate",
    "record_arrivals",
    "record_heard",
    "savepoint",
]
