from rintis.runtime.acls import Grant, grants
from shared.contracts.topics import INTAKE

PUBLISHERS = ("kemnaker", "oss")


def test_an_intake_topic_has_its_publisher_as_only_writer() -> None:
    for publisher in PUBLISHERS:
        for topic in INTAKE:
            writers = {g.principal for g in grants(PUBLISHERS) if "Write" in g.operations and g.name == topic.of(publisher)}
            assert writers == {publisher}


def test_no_right_to_write_covers_names_by_prefix() -> None:
    assert not [grant for grant in grants(PUBLISHERS) if grant.is_prefix and "Write" in grant.operations]


def test_reporting_may_not_read_a_topic_about_workers() -> None:
    reads = {
        g.name for g in grants(PUBLISHERS) if g.principal == "reporting" and g.resource == "topic" and "Read" in g.operations
    }
    assert reads == {"intake.permits.", "intake.filings.", "notification.notices"}


def test_a_grant_reads_as_arguments_of_kafkas_own_tool() -> None:
    grant = Grant("eligibility", ("Read",), "group", "eligibility.", is_prefix=True)
    assert grant.arguments() == (
        [
            "--allow-principal",
            "User:eligibility",
            "--operation",
            "Read",
            "--group",
            "eligibility.",
            "--resource-pattern-type",
            "prefixed",
        ]
    )
