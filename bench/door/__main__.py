"""`python -m bench.door`: serves on DOOR_PORT and inserts into DOOR_DATABASE."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.floor.registration import Registration

HOST = "127.0.0.1"
CONNECTIONS = 8
TABLE = "create table if not exists bodies (reference text not null, body jsonb not null)"
INSERT = "insert into bodies (reference, body) select * from unnest($1::text[], $2::jsonb[])"


class Batch(BaseModel):
    """Many registrations in one call."""

    items: list[Registration]


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    """Hold a pool of connections while the application runs."""
    async with asyncpg.create_pool(os.environ["DOOR_DATABASE"], min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=connected)


@app.post("/registrations", status_code=202)
async def register(item: Registration) -> dict[str, Any]:
    """Take one registration."""
    await _insert([item])
    return {"verdict": "accepted"}


@app.post("/registrations/batch", status_code=202)
async def register_many(batch: Batch) -> dict[str, Any]:
    """Take many registrations."""
    await _insert(batch.items)
    return {"verdicts": [{"verdict": "accepted"}] * len(batch.items)}


async def _insert(items: Sequence[Registration]) -> None:
    await app.state.pool.execute(INSERT, [item.reference for item in items], [item.model_dump_json() for item in items])


if __name__ == "__main__":
    uvicorn.run(app, host=HOST, port=int(os.environ["DOOR_PORT"]), log_config=None, access_log=False)
