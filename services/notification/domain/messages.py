"""Which channel reaches a person, when news is stale, and what an attempt's answer means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

_SEPARATORS = re.compile(r"[\s().-]")
_MOBILE = re.compile(r"^(?:\+?62|0)(8[1-9][0-9]{7,10})$")
_EMAIL = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$")


class Channel(StrEnum):
    """A way to reach a person."""

    SMS = "sms"
    EMAIL = "email"


class State(StrEnum):
    """Where a message stands. What is `waiting` is to be sent, or is being sent now; the others are final."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


class Answer(StrEnum):
    """What a provider made of one attempt, in our words."""

    TAKEN = "taken"
    """It will deliver the message, or has."""
    REFUSED = "refused"
    """It will never take this message."""
    LATER = "later"
    """It did not take the message now; another attempt may succeed."""
    UNCLEAR = "unclear"
    """It may have taken the message: no answer came, or none that says."""
    NOT_TRIED = "not_tried"
    """Nothing was given to it; the attempt does not count."""


class Fate(NamedTuple):
    """What becomes of a message after an attempt, with a reason code where there is one to give."""

    state: State
    reason: str = ""


class Address(NamedTuple):
    """Where one person can be reached, as far as the addresses are well formed."""

    mobile: str | None
    email: str | None

    def of(self, channel: Channel) -> str | None:
        """Return the address for a channel."""
        return self.mobile if channel is Channel.SMS else self.email

    def best(self, preferred: Sequence[Channel]) -> Channel | None:
        """Return the first channel that reaches the person."""
        return next((channel for channel in preferred if self.of(channel)), None)


def read_mobile(phone: str | None) -> str | None:
    """Return a mobile number in E.164, None where it is none.

    Indonesian mobile numbers begin with 8 after the country code or trunk zero and have 9 to 12 digits from there on;
    fixed lines take no SMS and are left out.
    """
    if not phone:
        return None
    found = _MOBILE.match(phone) or _MOBILE.match(_SEPARATORS.sub("", phone))
    return f"+62{found[1]}" if found else None


def read_email(email: str | None) -> str | None:
    """Return an e-mail address, None where it is not well formed."""
    address = (email or "").strip()
    return address if _EMAIL.match(address) else None


def read_address(phone: str | None, email: str | None) -> Address:
    """Return the addresses that can be used."""
    return Address(read_mobile(phone), read_email(email))


def find_staleness(now: datetime, valid_until: datetime | None, versions: tuple[int | None, int | None]) -> str | None:
    """Return why news should not be told any more, None where it still holds.

    `versions` are the facts' version that the news rests on, and the newest that newer news of the same matter rests on.
    """
    if valid_until is not None and valid_until <= now:
        return "expired"
    own, newest = versions
    if own is not None and newest is not None and newest > own:
        return "superseded"
    return None


def decide_fate(channel: Channel, answer: Answer, reason: str, *, is_last: bool) -> Fate:
    """Return what an attempt's answer means for the message.

    An SMS of which it is unclear whether it was taken is sent again: the provider honours our key and delivers it once.
    Nothing like that exists for e-mail: there the message is unknown, and it is not sent again.
    """
    match answer:
        case Answer.TAKEN:
            return Fate(State.SENT)
        case Answer.REFUSED:
            return Fate(State.FAILED, reason)
        case Answer.NOT_TRIED:
            return Fate(State.WAITING)
        case Answer.LATER:
            return Fate(State.FAILED, reason) if is_last else Fate(State.WAITING, reason)
        case Answer.UNCLEAR:
            is_final = is_last or channel is Channel.EMAIL
            return Fate(State.UNKNOWN if is_final else State.WAITING, reason)


def decide_lost(channel: Channel) -> Fate:
    """Return what becomes of a message whose sender vanished in the middle of an attempt."""
    return decide_fate(channel, Answer.UNCLEAR, "sender_lost", is_last=False)
