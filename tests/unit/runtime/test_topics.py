import pytest

from rintis.runtime.errors import CannotStart
from rintis.runtime.topics import publishers, topics_wanted


def test_each_publisher_has_a_topic_of_each_intake_family() -> None:
    names = {topic.name for topic in topics_wanted(["kemnaker", "oss"])}
    assert {"intake.registrations.kemnaker", "intake.registrations.oss", "intake.filings.oss", "eligibility.decisions"} <= names
    assert "intake.registrations" not in names


def test_intake_carries_the_brokers_own_time() -> None:
    times = {t.name: t.topic_configs.get("message.timestamp.type") for t in topics_wanted(["oss"])}
    assert times["intake.permits.oss"] == "LogAppendTime"
    assert times["registration.workers"] is None


@pytest.mark.parametrize("name", ["Kemnaker", "a.b", "a_b", "x" * 41])
def test_a_name_that_cannot_end_a_topics_name_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINTIS_PUBLISHERS", f"oss,{name}")
    with pytest.raises(CannotStart, match="cannot be a publisher's name"):
        publishers()


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_an_acknowledged_record_is_on_as_many_brokers_as_may_be_asked_for(replicas: int, in_sync: str) -> None:
    wanted = topics_wanted(["oss"], replicas=replicas)
    assert {topic.topic_configs["min.insync.replicas"] for topic in wanted} == {in_sync}
    assert {topic.replication_factor for topic in wanted} == {replicas}
