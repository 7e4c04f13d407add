"""Kafka in: one subscription per topic, one route for all that people are told and one for what companies are."""

from __future__ import annotations

from collections.abc import Mapping

from services.notification.handlers.news import NEWS
from services.notification.handlers.opening import TellAndAsk
from services.notification.handlers.telling import Desk, TellPeople
from shared.contracts import topics
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
COMPANIES = topics.READ_TOGETHER["notification.companies"]


def make_subscriptions(desk: Desk) -> list[Subscription]:
    """Return a subscription per topic with the route of its events: the same one for those that are read together."""
    tell = TellPeople(NEWS, desk)
    ask = TellAndAsk(tell, desk)
    return [_subscription(subject, topic, tell if topic in COMPANIES else ask) for subject, topic in HEARD.items()]


def _subscription(subject: str, topic: Topic, route: Route) -> Subscription:
    events = [event for event in NEWS if topic.name == event.TOPIC]
    return Subscription(SERVICE, subject, topic, dict.fromkeys(events, route), takes_runs=True)
