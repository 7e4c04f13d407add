"""HTTP in: parse, hand over, answer. Bodies, tickets and codes are never logged."""

from services.registration.api.status import status_router
from services.registration.api.submissions import Bounds, submission_router

__all__ = ["Bounds", "status_router", "submission_router"]
