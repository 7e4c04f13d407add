from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulators.received import Received
from simulators.sms.provider import Answer, Provider

TO = "+6281234567890"


def a_provider(path: Path) -> Provider:
    return Provider(Received(path))


def take(provider: Provider, key: str, *, to: str = TO, text: str = "Halo") -> Answer:
    return provider.take(key, {"to": to, "text": text, "reference": f"ref-{key}"})


def lines(path: Path) -> list[str]:
    return [json.loads(line)["key"] for line in path.read_text().splitlines()]


def test_the_same_key_is_delivered_once_and_answered_the_same(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    assert take(provider, "a") == take(provider, "a")
    assert lines(tmp_path / "sms") == ["a"]


def test_old_keys_are_answered_the_same_among_new_ones(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    first = [take(provider, f"old-{number}") for number in range(50)]
    mixed = [(key, {"to": TO, "text": "Halo", "reference": f"ref-{key}"}) for n in range(50) for key in (f"old-{n}", f"new-{n}")]

    assert provider.take_all(mixed)[::2] == first

    assert lines(tmp_path / "sms") == [*(f"old-{number}" for number in range(50)), *(f"new-{number}" for number in range(50))]


def test_the_same_key_with_another_text_is_a_conflict(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    take(provider, "a")
    assert take(provider, "a", text="Lain").status == 409


def test_a_restart_remembers_what_was_delivered_and_ignores_a_line_cut_short(tmp_path: Path) -> None:
    take(a_provider(tmp_path / "sms"), "a")
    with (tmp_path / "sms").open("a") as file:
        file.write('{"id": "sim-2", "ke')
    again = a_provider(tmp_path / "sms")
    assert again.delivered == 1
    assert again.find("ref-a")
    assert again.find("ref-b") is None
    take(again, "c")
    assert a_provider(tmp_path / "sms").delivered == 2


@pytest.mark.parametrize(("to", "text"), [("0812", "Halo"), (TO, ""), (TO, "x" * 1001)])
def test_what_cannot_be_delivered_is_refused_and_not_kept(tmp_path: Path, to: str, text: str) -> None:
    assert take(a_provider(tmp_path / "sms"), "a", to=to, text=text).status == 400
    assert lines(tmp_path / "sms") == []


def test_failures_are_used_up_and_take_nothing(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    provider.behaviour.change({"fail_next": 1, "throttle_next": 1})
    assert [take(provider, "a").status for _ in range(3)] == [500, 429, 202]
    assert lines(tmp_path / "sms") == ["a"]


def test_a_message_that_hangs_is_taken_before_the_silence(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    provider.behaviour.change({"hang_next": 1, "hang_seconds": 9.0})
    assert take(provider, "a").delay_seconds == 9.0
    assert lines(tmp_path / "sms") == ["a"]


def test_a_behaviour_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="explode"):
        a_provider(tmp_path / "sms").behaviour.change({"explode": True})


def test_a_message_is_found_by_its_reference_and_by_nothing_else(tmp_path: Path) -> None:
    provider = a_provider(tmp_path / "sms")
    provider.take("a", {"to": TO, "text": "Halo", "reference": "a"})
    provider.take("b", {"to": TO, "text": "Halo", "reference": "other"})
    for knows in (provider, a_provider(tmp_path / "sms")):
        found = [knows.find(reference) for reference in ("a", "other", "b")]
        assert [entry and entry["id"] for entry in found] == ["sim-1", "sim-2", None]


def test_a_key_that_comes_twice_in_one_call_is_delivered_once(tmp_path: Path) -> None:
    message = {"to": TO, "text": "Halo", "reference": "ref"}
    first, second, other = a_provider(tmp_path / "sms").take_all(
        [("a", message), ("a", message), ("a", message | {"text": "Lain"})]
    )
    assert first == second
    assert other.status == 409
    assert lines(tmp_path / "sms") == ["a"]
