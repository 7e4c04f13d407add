"""Metrics of registration, each once, by name, with its unit and meaning."""

from prometheus_client import Gauge

DEFERRED_ITEMS = Gauge("rintis_deferred_items", "Items of calls that were kept and wait for their verdicts.")
DEFERRED_PARKED = Gauge("rintis_deferred_parked_items", "Items of such calls that could not be done, and are tried again.")
DEFERRED_AGE = Gauge("rintis_deferred_oldest_seconds", "How long the oldest call that was kept has waited.")
