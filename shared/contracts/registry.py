"""Every event once: which classes there are, on which topic each travels, who hears it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from types import ModuleType

from pydantic import BaseModel

from shared.contracts import boxes, eligibility, intake, notification, registration, reporting
from shared.contracts.envelope import Event
from shared.contracts.topics import ALL, Topic

PUBLISHERS: Mapping[str, ModuleType] = {
    "intake": intake,
    "registration": registration,
    "eligibility": eligibility,
    "notification": notification,
    "reporting": reporting,
}
"""The module of each publisher. A new publisher's module is entered here; its events are found by themselves."""


def _declared(module: ModuleType) -> Iterator[type[Event]]:
    for member in vars(module).values():
        if inspect.isclass(member) and issubclass(member, Event) and "TYPE" in vars(member):
            yield member


BY_PUBLISHER: Mapping[str, tuple[type[Event], ...]] = {name: tuple(_declared(module)) for name, module in PUBLISHERS.items()}
"""The events that each publisher's module declares, in the order in which they stand there."""

EVENTS: Mapping[str, type[Event]] = {event.TYPE: event for events in BY_PUBLISHER.values() for event in events}
"""Every event class by its type."""

BOXES: Mapping[str, type[BaseModel]] = {"contact": boxes.Contact, "facts": boxes.Facts, "company": boxes.Company}
"""Contents of the sealed boxes that travel: a contract between those who seal and those who open."""

TOPICS: Mapping[str, Topic] = {topic.name: topic for topic in ALL}


def topic_of(event: type[Event]) -> Topic:
    """Return the topic on which an event travels; on intake the family, not one publisher's topic."""
    return TOPICS[event.TOPIC]


def events_on(topic: Topic) -> tuple[type[Event], ...]:
    """Return the events that travel on a topic."""
    return tuple(event for event in EVENTS.values() if topic.name == event.TOPIC)
