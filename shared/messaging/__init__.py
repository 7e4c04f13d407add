"""Kafka as the services use it: batch consumers with positions in PostgreSQL, gates, dead letters and the relay."""

from shared.messaging.consumer import Consumer
from shared.messaging.limits import Limits
from shared.messaging.outcomes import ERASED, HANDLED, SUPERSEDED, DeadLetter, Erased, Handled, Outcome, RetryLater, Superseded
from shared.messaging.reader import Reader
from shared.messaging.records import Received
from shared.messaging.relay import Relay
from shared.messaging.routes import Route, Subscription

__all__ = [
    "ERASED",
    "HANDLED",
    "SUPERSEDED",
    "Consumer",
    "DeadLetter",
    "Erased",
    "Handled",
    "Limits",
    "Outcome",
    "Reader",
    "Received",
    "Relay",
    "RetryLater",
    "Route",
    "Subscription",
    "Superseded",
]
