"""HTTP in: answers to offers by workers, reviews for staff.

Annotations are evaluated here: FastAPI reads the dependencies out of them.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.eligibility.handlers.answering import Answer, answer_offer
from services.eligibility.handlers.desk import Desk
from services.eligibility.handlers.reviewing import ROLES, show_review
from shared.security import Caller, Callers
from shared.service import caller_dependency

SENTENCES: dict[Answer, str] = {
    "accepted": "Tempat Anda sudah kami catat. Pengelola inkubator akan menghubungi Anda.",
    "declined": "Penolakan Anda sudah kami catat. Tempat ini tidak lagi dicadangkan untuk Anda.",
}


class Credentials(BaseModel):
    """What a worker proves with that a registration is theirs."""

    model_config = ConfigDict(frozen=True)

    ticket: Annotated[str, Field(min_length=1, max_length=40)]
    access_code: Annotated[str, Field(min_length=1, max_length=40)]


class Answered(BaseModel):
    """The offer as it stands after the answer."""

    model_config = ConfigDict(frozen=True)

    offer_id: UUID
    state: str
    incubator: str
    incubator_name: str
    expires_at: datetime
    message: str


def offer_router(desk: Desk) -> APIRouter:
    """Return the door at which workers answer offers."""
    router = APIRouter(prefix="/offers", tags=["offers"])

    @router.post("/accept")
    async def accept_offer(credentials: Credentials) -> Answered:
        """Take the seat that is held for the worker."""
        return await _answer(desk, credentials, "accepted")

    @router.post("/decline")
    async def decline_offer(credentials: Credentials) -> Answered:
        """Give back the seat that is held for the worker."""
        return await _answer(desk, credentials, "declined")

    return router


def review_router(desk: Desk, callers: Callers) -> APIRouter:
    """Return the door at which staff see what they have to decide."""
    router = APIRouter(prefix="/reviews", tags=["reviews"])
    identify = caller_dependency(callers, *ROLES)

    @router.get("/{review_id}")
    async def read_review(review_id: UUID, caller: Annotated[Caller, Depends(identify)]) -> dict[str, Any]:
        """Show a review of the caller's region, with opened facts; the look is recorded."""
        return await show_review(desk, caller, review_id)

    return router


async def _answer(desk: Desk, credentials: Credentials, answer: Answer) -> Answered:
    offer = await answer_offer(desk, credentials.ticket, credentials.access_code, answer)
    return Answered(
        offer_id=offer.offer_id,
        state=answer,
        incubator=offer.incubator,
        incubator_name=offer.incubator_name,
        expires_at=offer.expires_at,
        message=SENTENCES[answer],
    )
