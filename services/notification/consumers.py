"""Kafka in: one subscription per topic, one route per type of event."""

from __future__ import annotations

from collections.abc import Mapping

from services.notification.handlers.news import NEWS
from services.notification.handlers.opening import OpenReview
from services.notification.handlers.telling import Desk, TellPerson
from shared.contracts import topics
from shared.contracts.eligibility import ReviewAsked
from shared.contracts.envelope import Event
from shared.contracts.topics import Topic
from shared.messaging import Route, Subscription

SERVICE = "notification"
HEARD: Mapping[str, Topic] = {
    "workers": topics.WORKERS,
    "refusals": topics.REFUSALS,
    "reviews": topics.REVIEWS,
    "decisions": topics.DECISIONS,
    "placements": topics.PLACEMENTS,
    "filings": topics.FILINGS,
    "sanctions": topics.SANCTIONS,
}
"""What notification hears, by subject. Types without news, such as a declined offer, tell nobody anything."""


def make_subscriptions(desk: Desk) -> list[Subscription]:
    """Return a subscription per topic with the routes of its events."""
    routes = {event: _route(event, desk) for event in NEWS}
    return [
        Subscription(SERVICE, subject, topic, {event: route for event, route in routes.items() if topic.name == event.TOPIC})
        for subject, topic in HEARD.items()
    ]


def _route(event: type[Event], desk: Desk) -> Route:
    tell = TellPerson(NEWS[event], desk)
    return OpenReview(tell, desk) if event is ReviewAsked else tell
