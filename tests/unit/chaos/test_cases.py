import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rintis.chaos.cases import Case, Cases
from rintis.chaos.sent import Acknowledged, Book, Sent, read_acknowledged, read_sent
from shared.contracts.intake import FilingSubmitted, IntakeEvent, PermitChanged, PermitIssued, RegistrationSubmitted

MODELS: dict[str, type[IntakeEvent]] = {
    "registration": RegistrationSubmitted,
    "permit": PermitIssued,
    "change": PermitChanged,
    "filing": FilingSubmitted,
}
PEOPLE = 3_000


def draw(seed: int, first_number: int = 0) -> list[Case]:
    cases = Cases(seed, first_number)
    return [case for _ in range(PEOPLE) for case in cases.draw()]


@pytest.fixture(scope="module")
def drawn() -> list[Case]:
    return draw(1)


def test_every_good_event_is_what_its_model_writes(drawn: list[Case]) -> None:
    for case in drawn:
        if case.sent.kind == "poison":
            continue
        value = json.dumps(case.item).encode() if case.item else case.value
        event = MODELS[case.sent.kind].model_validate_json(value)
        assert json.loads(value) == event.model_dump(mode="json")
        assert case.item or (case.value, case.key) == (event.model_dump_json().encode(), event.key().encode())
        assert case.item or dict(case.headers)["ce_type"] == event.TYPE.encode()


def test_poison_breaks_the_contract_in_each_of_its_ways(drawn: list[Case]) -> None:
    ways = {case.sent.number % 5: case for case in drawn if case.sent.kind == "poison"}

    assert ways[0].value == b"{not json"
    assert ways[1].key == b"another-key"
    assert dict(ways[2].headers)["ce_type"].endswith(b".v9")
    assert b"berhenti" in ways[3].value
    assert dict(ways[4].headers)["ce_time"] == b"yesterday"


def test_the_same_seed_draws_the_same_events_and_another_seed_others(drawn: list[Case]) -> None:
    def said(cases: list[Case]) -> list[tuple[Sent, bytes, object]]:
        return [(case.sent, case.value, case.item) for case in cases]

    assert said(draw(1)) == said(drawn)
    assert said(draw(2)) != said(drawn)


def test_every_kind_of_person_comes(drawn: list[Case]) -> None:
    items = [case.item or json.loads(case.value) for case in drawn if case.sent.kind == "registration"]

    assert {case.sent.kind for case in drawn} == {*MODELS, "poison"}
    assert {case.sent.door for case in drawn} == {"kafka", "http"}
    assert {item["profession"] for item in items} == {"", "asn"}
    assert len({case.sent.number for case in drawn}) < len(drawn)
    for is_there in (
        lambda item: item["layoff_letter"] is None,
        lambda item: item["email"] and not item["phone"],
        lambda item: "N" in item["nik"],
        lambda item: item["reference"].endswith("-lagi"),
    ):
        assert 0 < sum(map(bool, map(is_there, items))) < len(items) / 5


def test_what_is_noted_is_on_file_at_once_and_read_again(tmp_path: Path, drawn: list[Case]) -> None:
    book, began = Book(tmp_path), datetime.now(UTC).timestamp()
    answers = [Acknowledged(case.sent.number, began, 3, 123_456, "") for case in drawn]

    book.note_sent(case.sent for case in drawn)
    book.note_acknowledged(answers)

    assert {sent.number: sent for sent in read_sent(tmp_path)} == {case.sent.number: case.sent for case in drawn}
    assert read_acknowledged(tmp_path) == answers
    line = json.loads((tmp_path / "sent.jsonl").read_text().splitlines()[0])
    assert began <= line["at"] <= datetime.now(UTC).timestamp()
    assert Book(tmp_path).next_number == 1 + max(case.sent.number for case in drawn)
