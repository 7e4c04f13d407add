"""Trials: one known hard hour each, played against a whole system, with a verdict."""
