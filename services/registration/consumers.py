"""Kafka in: who hears what. No logic."""

from __future__ import annotations

from collections.abc import Mapping

from services.registration.handlers.desk import Desk
from services.registration.handlers.layoffs import TakeLayoffs
from services.registration.handlers.news import DECISIONS, MESSAGES, PLACEMENTS, KeepDecisions, KeepMessages, KeepPlacements
from services.registration.handlers.registrations import TakeRegistrations
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.contracts.intake import LayoffReported, RegistrationSubmitted
from shared.contracts.topics import Topic
from shared.messaging import Route, Subscription

NAME = "registration"
STATUS_SECONDS = 0.25
"""Between batches of news for who looks at a status page: a person reloads it less often."""


def subscriptions(desk: Desk) -> tuple[Subscription, ...]:
    """Return what the service hears."""
    return (
        Subscription(NAME, "registrations", topics.INTAKE_REGISTRATIONS, {RegistrationSubmitted: TakeRegistrations(desk)}),
        Subscription(NAME, "layoffs", topics.INTAKE_LAYOFFS, {LayoffReported: TakeLayoffs(desk)}),
        _status("decisions", topics.DECISIONS, dict.fromkeys(DECISIONS, KeepDecisions())),
        _status("placements", topics.PLACEMENTS, dict.fromkeys(PLACEMENTS, KeepPlacements())),
        _status("messages", topics.MESSAGES, dict.fromkeys(MESSAGES, KeepMessages())),
    )


def _status(subject: str, topic: Topic, routes: Mapping[type[Event], Route]) -> Subscription:
    return Subscription(NAME, subject, topic, routes, takes_runs=True, apart_seconds=STATUS_SECONDS)
