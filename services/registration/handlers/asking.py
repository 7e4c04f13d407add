"""Use case: somebody asks with a ticket and an access code."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

from services.registration.handlers.desk import Desk
from services.registration.repository.statuses import Case
from shared.contracts.boxes import Facts
from shared.errors import KeyMissing
from shared.security import matches_access_code


async def is_owner(desk: Desk, case: Case | None, code: str) -> bool:
    """Return whether the code is the one that was given with the case's ticket. It takes as long where there is no case."""
    if case is None:
        with suppress(KeyMissing):
            await desk.boxes.keys.find([uuid4()], "facts")
        return False
    (facts,) = await desk.boxes.open([(case.person_id, case.facts)], "facts", Facts)
    return facts is not None and matches_access_code(code, case.person_id, facts.access_code_hash)
