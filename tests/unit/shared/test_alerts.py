import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY

import services.registration.metrics  # noqa: F401 - registers its metrics
import shared.telemetry.metrics  # noqa: F401 - registers every metric
from rintis.runtime.state import ROOT

RULES = [
    rule
    for group in yaml.safe_load(Path(ROOT / "deploy/prometheus/alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
NAMES = {name for family in REGISTRY.collect() for name in (family.name, f"{family.name}_total")}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alarm_is_about_metrics_that_exist_and_says_what_it_means_and_what_to_do(rule: dict[str, object]) -> None:
    named = set(re.findall(r"rintis_[a-z_]+", str(rule["expr"])))
    assert named
    assert named <= NAMES
    assert {"summary", "remedy"} <= set(rule["annotations"])  # type: ignore[call-overload]  # parsed from YAML


def test_outbox_and_parked_tables_have_alarms_by_size_and_by_age() -> None:
    watched = " ".join(str(rule["expr"]) for rule in RULES)
    for metric in (
        "rintis_outbox_events",
        "rintis_outbox_oldest_seconds",
        "rintis_parked_records",
        "rintis_parked_oldest_seconds",
    ):
        assert metric in watched
