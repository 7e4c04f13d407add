"""Status for a worker who asks with ticket and access code."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, Field

from services.registration.api.guesses import WINDOW_SECONDS, Guesses
from services.registration.domain.status import answer
from services.registration.handlers.asking import is_owner
from services.registration.handlers.desk import Desk
from services.registration.repository.statuses import Case, find_case
from shared.service import Problem

Ticket = Annotated[str, Query(min_length=1, max_length=40)]


class StatusAsked(BaseModel):
    """Who asks: both are on the message that the worker got."""

    ticket: str = Field(min_length=1, max_length=40)
    code: str = Field(min_length=1, max_length=40)


def status_router(desk: Desk, guesses: Guesses) -> APIRouter:
    """Return the door. A wrong ticket and a wrong code get the same answer in the same time."""
    router = APIRouter(tags=["status"])

    async def tell(ticket: str, code: str) -> dict[str, Any]:
        ticket = ticket.strip().upper()
        if not guesses.is_open(ticket):
            raise Problem(
                429,
                "Terlalu banyak percobaan",
                "Sudah terlalu sering salah.",
                remedy="Coba lagi 15 menit lagi.",
                retry_after=int(WINDOW_SECONDS),
            )
        case = await find_case(desk.database, ticket)
        if not await is_owner(desk, case, code.strip()) or case is None:
            guesses.note_wrong(ticket)
            detail = "Tiket atau kode akses tidak cocok."
            raise Problem(404, "Tidak ditemukan", detail, remedy="Periksa tiket dan kode di pesan yang kami kirim.")
        return _describe(case)

    @router.post("/status")
    async def ask(asked: StatusAsked) -> dict[str, Any]:
        """Answer in plain Bahasa Indonesia."""
        return await tell(asked.ticket, asked.code)

    @router.get("/status")
    async def ask_by_header(ticket: Ticket, x_access_code: Annotated[str, Header(min_length=1, max_length=40)]) -> dict[str, Any]:
        """Answer in plain Bahasa Indonesia; the code comes in a header, so that no address holds it."""
        return await tell(ticket, x_access_code)

    return router


def _describe(case: Case) -> dict[str, Any]:
    standing = case.standing
    told = answer(standing)
    state, channel, at = case.message or (None, None, None)
    return {
        "stage": told.stage,
        "headline": told.headline,
        "next_step": told.next_step,
        "registered_at": standing.registered_at.isoformat(),
        "programme": standing.programme,
        "reasons": list(standing.reasons),
        "offer_until": standing.until.isoformat() if standing.until else None,
        "last_message": {"state": state, "channel": channel, "at": at.isoformat()} if at else None,
    }
