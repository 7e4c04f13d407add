"""Use cases: decide, review, place, answer, expire."""
