from __future__ import annotations

from pathlib import Path

import services.notification
from services.notification.consumers import HEARD
from services.notification.domain.messages import Channel
from services.notification.handlers.news import NEWS
from shared.contracts import topics
from shared.contracts.eligibility import OfferDeclined
from shared.contracts.registry import EVENTS

SILENT = {OfferDeclined}
"""Nobody is told what they have just said themselves."""
TEMPLATES = Path(services.notification.__file__).parent / "templates"


def test_every_event_on_a_topic_that_is_heard_has_news_or_is_silent_on_purpose() -> None:
    heard = {topic.name for topic in HEARD.values()}
    assert {event for event in EVENTS.values() if event.TOPIC in heard} == set(NEWS) | SILENT


def test_notification_hears_every_topic_that_names_it() -> None:
    assert set(HEARD.values()) == {topic for topic in topics.OWN if "notification" in topic.hearers}


def test_every_news_has_a_template_for_each_channel_and_no_template_is_unused() -> None:
    wanted = {f"{news.template}.{channel}.j2" for news in NEWS.values() for channel in Channel}
    assert {path.name for path in TEMPLATES.iterdir()} == wanted
