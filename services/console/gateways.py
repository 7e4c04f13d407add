"""The services, as the console sees them: one HTTP question each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp


class Overviews:
    """Asks every service for its overview, all at once, and the audit for its last verdict."""

    def __init__(self, services: Mapping[str, str], audit: str, seconds: float) -> None:
        self._services = services
        self._audit = audit
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the connections."""
        self._session = aiohttp.ClientSession(timeout=self._timeout)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self) -> dict[str, dict[str, Any] | None]:
        """Return each service's overview; None where a service does not answer in time."""
        answers = await asyncio.gather(*(self._ask(f"{url}/operations/overview") for url in self._services.values()))
        return dict(zip(self._services, answers, strict=True))

    async def ask_audit(self) -> dict[str, Any] | None:
        """Return the last audit; None where the audit's process does not answer in time."""
        return await self._ask(f"{self._audit}/latest")

    async def _ask(self, url: str) -> dict[str, Any] | None:
        if self._session is None:
            return None
        try:
            async with self._session.get(url) as response:
                answer: dict[str, Any] | None = await response.json() if response.ok else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return answer
