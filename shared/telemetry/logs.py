"""Logs as JSON lines: a sentence for people, `action` and fields for machines."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

import structlog

CLIENT_LINES_PER_SECOND = 5
"""aiokafka writes 30 to 70 lines a second while a broker is away; five say as much."""


class RateLimit(logging.Filter):
    """Lets a bounded number of records per second and logger through."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self._lines = lines
        self._second = 0
        self._count = 0

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - all records count alike
        """Return whether the record is among the first of its second."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count <= self._lines


def configure_logs(service: str, instance: str) -> None:
    """Send every log line of the process to standard output, as JSON."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service, instance=instance)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _add_process(service, instance),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.INFO
    for name in ("aiokafka", "faststream", "rintis.consumers"):
        logging.getLogger(name).setLevel(logging.WARNING)
    handler.addFilter(_ClientFilter())


class _ClientFilter(logging.Filter):
    """Bounds what the Kafka client says; its errors never quote a record's content."""

    def __init__(self) -> None:
        super().__init__()
        self._limit = RateLimit(CLIENT_LINES_PER_SECOND)

    def filter(self, record: logging.LogRecord) -> bool:
        return not record.name.startswith("aiokafka") or self._limit.filter(record)


def _add_process(service: str, instance: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"], event["instance"] = service, instance
        return event

    return add


def get_logger(name: str) -> Any:
    """Return a structured logger: `log.info("A sentence.", action="snake_case", field=...)`."""
    return structlog.stdlib.get_logger(name)
