"""HTTP in: parse, call the handler, answer."""

from services.reporting.api.filings import filing_router
from services.reporting.api.views import view_router

__all__ = ["filing_router", "view_router"]
