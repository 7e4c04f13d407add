"""Kafka in: one subscription per topic, and one route for its events."""

from __future__ import annotations

from collections.abc import Mapping

from services.notification.handlers.news import NEWS
from services.notification.handlers.opening import TellAndAsk
from services.notification.handlers.telling import Desk, TellPeople
from shared.contracts import topics
from shared.contracts.eligibility import ReviewAsked
from shared.contracts.topics import Topic
from shared.messaging import Subscription

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
    return [_subscription(subject, topic, TellPeople(NEWS, desk), desk) for subject, topic in HEARD.items()]


def _subscription(subject: str, topic: Topic, tell: TellPeople, desk: Desk) -> Subscription:
    events = [event for event in NEWS if topic.name == event.TOPIC]
    route = TellAndAsk(tell, desk) if ReviewAsked in events else tell
    return Subscription(SERVICE, subject, topic, dict.fromkeys(events, route), takes_runs=True)
