"""Metrics of reporting, each once, by name, with its unit and meaning. Records from Kafka are counted by every consumer."""

from prometheus_client import Counter

DOOR_FILINGS = Counter("reporting_door_filings_total", "Reports that came over HTTP, by what was decided.", ["state"])
MISSES = Counter("reporting_misses_total", "Periods closed without a report that counts; each led to a written warning.")
