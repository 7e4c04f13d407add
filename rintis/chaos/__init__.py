"""Faults under load, and a count afterwards that does not trust what was counted by the services."""
