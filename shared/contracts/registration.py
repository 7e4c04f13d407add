"""Events that registration publishes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.envelope import Event, SealedBox


class Reason(BaseModel):
    """Why something was refused: a code and the field it is about."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str
    field: str = ""


class WorkerRegistered(Event):
    """A worker's registration was accepted."""

    TYPE: ClassVar[str] = "id.rintis.registration.worker.registered.v1"
    TOPIC: ClassVar[str] = "registration.workers"

    worker_id: UUID
    ticket: str
    province: str = Field(description="Kemendagri province code, two digits.")
    facts_version: int
    contact_version: int
    facts: SealedBox
    contact: SealedBox

    def key(self) -> str:
        """Return the worker id."""
        return str(self.worker_id)


class RegistrationRefused(Event):
    """A registration was refused, with every reason that was found."""

    TYPE: ClassVar[str] = "id.rintis.registration.registration.refused.v1"
    TOPIC: ClassVar[str] = "registration.refusals"

    reference_id: UUID
    reasons: list[Reason]
    contact: SealedBox | None = Field(default=None, description="Sealed under the reference's own expiring key.")

    def key(self) -> str:
        """Return the reference id."""
        return str(self.reference_id)


class RegistrationRepeated(Event):
    """Somebody registered a worker who is registered already; only the known contact is told more."""

    TYPE: ClassVar[str] = "id.rintis.registration.worker.repeated.v1"
    TOPIC: ClassVar[str] = "registration.reviews"

    worker_id: UUID
    contact_version: int
    contact: SealedBox

    def key(self) -> str:
        """Return the worker id."""
        return str(self.worker_id)
