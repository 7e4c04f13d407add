"""What the tests of every part share."""

from shared.testing.waiting import eventually

__all__ = ["eventually"]
