"""HTTP in: parse, hand over, answer. Bodies, tickets and codes are never logged."""

from services.registration.api.status import status_router
from services.registration.api.submissions import Bounds, parse_layoffs, parse_registrations, submission_router

__all__ = ["Bounds", "parse_layoffs", "parse_registrations", "status_router", "submission_router"]
