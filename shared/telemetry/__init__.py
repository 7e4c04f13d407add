"""Logs and metrics. Neither ever holds a personal datum."""

from shared.telemetry.logs import configure_logs, get_logger

__all__ = ["configure_logs", "get_logger"]
