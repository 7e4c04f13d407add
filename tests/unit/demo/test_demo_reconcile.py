"""The comparison names what differs: one small world, broken in one place at a time."""

from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import pytest

from rintis.demo.manifest import Manifest, Period, Permit, Worker
from rintis.demo.observed import Observed, is_of_later_period
from rintis.demo.people import OFFER, Reply
from rintis.demo.policy import Expected
from rintis.demo.reconcile import find_differences

SPACE = UUID(int=7)
GOOD, BAD, AGAIN, PERSON, REFUSAL, PERMIT = (
    uuid5(SPACE, name) for name in ("good", "bad", "again", "person", "refusal", "permit")
)
PHONE, MAIL = "+6281200000001", "hse@contoh.id"
EXPECTED = Expected("confirmed", ("laid_off",), destination="seat")


@pytest.fixture
def manifest() -> Manifest:
    workers = {
        str(GOOD): Worker("R-1", "kafka", "accepted", channel="sms", address=PHONE, repeats=1, expected=EXPECTED),
        str(BAD): Worker("R-2", "http", "refused", ("NIK_FORMAT",)),
        str(AGAIN): Worker("R-3", "file", "duplicate", channel="sms", address=PHONE),
    }
    periods = {"2020-05-15": Period("late", 1, (), 1), "2020-05-22": Period("filed", 1, ("FORM_UNKNOWN",))}
    permits = {"IOMKI-1": Permit(periods, ("email", MAIL), ("email", MAIL))}
    return Manifest(workers, permits, evidence=1)


@pytest.fixture
def seen() -> Observed:
    def submission(reference: UUID, verdict: str, door: str, reasons: list[str]) -> dict[str, Any]:
        return {
            "reference_id": reference,
            "refusal_id": REFUSAL if verdict == "refused" else None,
            "person_id": None if verdict == "refused" else PERSON,
            "kind": "layoff" if verdict == "evidence" else "registration",
            "door": door,
            "verdict": verdict,
            "reasons": reasons,
        }

    def message(subject: UUID, template: str, channel: str) -> dict[str, Any]:
        state = "sent" if channel else "skipped"
        return {"subject_id": subject, "template": template, "channel": channel, "state": state, "reason": "", "messages": 1}

    def period(due_on: date, state: str, warning: int) -> dict[str, Any]:
        about = {"permit_id": PERMIT, "number": "IOMKI-1", "due_on": due_on}
        return about | {"state": state, "was_missed": warning > 0, "warning": warning}

    def filing(due_on: date, state: str, errors: list[str]) -> dict[str, Any]:
        return {"permit_number": "IOMKI-1", "due_on": due_on, "state": state, "errors": errors}

    first, second = date(2020, 5, 15), date(2020, 5, 22)
    worker_news = ("registered", "repeated", "confirmed", "seat_offered", "offer_accepted")
    company_news = ("filing_accepted", "filing_accepted", "filing_returned", "filing_missed", "permit_warned")
    return Observed(
        submissions=[
            submission(GOOD, "accepted", "kafka", []),
            submission(BAD, "refused", "http", ["NIK_FORMAT"]),
            submission(AGAIN, "duplicate", "file", []),
            submission(uuid5(SPACE, "list"), "evidence", "kafka", []),
        ],
        decisions=[
            {
                "worker_id": PERSON,
                "outcome": "confirmed",
                "reasons": ["laid_off"],
                "review": "",
                "seat": "accepted",
                "referred_to": "",
            }
        ],
        incubators=[{"code": "INK-1", "seats": 2, "taken": 1, "held": 1}],
        holders=[],
        messages=[
            *(message(PERSON, template, "sms") for template in worker_news),
            *(message(PERMIT, template, "email") for template in company_news),
            message(REFUSAL, "refused", ""),
        ],
        tasks=[],
        periods=[period(first, "late", 1), period(second, "filed", 0)],
        filings=[filing(first, "accepted", []), filing(second, "returned", ["FORM_UNKNOWN"]), filing(second, "accepted", [])],
        received={"sms": Counter({PHONE: 5}), "email": Counter({MAIL: 5})},
    )


def test_a_world_as_foreseen_has_no_differences(manifest: Manifest, seen: Observed) -> None:
    assert find_differences(manifest, seen, [Reply(PHONE, "accepted", was_taken=True)]) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"submissions": []}, "registration R-1: 0 submissions"),
        ({"decisions": []}, "eligibility R-1: 0 decisions"),
        ({"incubators": [{"code": "INK-1", "seats": 1, "taken": 2, "held": 2}]}, "incubator INK-1"),
        ({"holders": [{"worker_id": PERSON}]}, "holds two seats"),
        ({"periods": []}, "reporting IOMKI-1 2020-05-15: nothing is expected"),
        ({"filings": []}, "reporting IOMKI-1 2020-05-22: 0 accepted"),
        ({"messages": []}, f"messages to {PERSON}"),
        ({"received": {"sms": Counter({PHONE: 6}), "email": Counter({MAIL: 5})}}, "6 received instead of 5"),
    ],
)
def test_what_is_missing_or_too_much_is_named(manifest: Manifest, seen: Observed, change: dict[str, Any], named: str) -> None:
    differences = find_differences(manifest, replace(seen, **change), [])
    assert any(named in line for line in differences), differences


def test_a_decision_other_than_the_policy_demands_is_named(manifest: Manifest, seen: Observed) -> None:
    denied = [seen.decisions[0] | {"outcome": "denied"}]
    assert find_differences(manifest, replace(seen, decisions=denied), []) == ["eligibility R-1: denied  instead of confirmed "]


def test_a_seat_other_than_the_worker_was_told_is_named(manifest: Manifest, seen: Observed) -> None:
    (line,) = find_differences(manifest, seen, [Reply(PHONE, "declined", was_taken=True)])
    assert line.endswith("seat is accepted, but the worker was told that it is declined")


def test_no_address_is_shown_in_full(manifest: Manifest, seen: Observed) -> None:
    differences = find_differences(manifest, replace(seen, received={"sms": Counter(), "email": Counter()}), [])
    assert differences
    assert not any(PHONE in line or MAIL in line for line in differences)


def test_people_find_ticket_and_code_in_the_sms_of_an_offer() -> None:
    text = "Jawab sebelum 15 Mei 2020 pukul 07.00 WIB dengan tiket RNT-7KQ2-9XFD dan kode akses ABCD2345. Tanpa jawaban, tempat"
    found = OFFER.search(text)
    assert found is not None
    assert (found["ticket"], found["code"]) == ("RNT-7KQ2-9XFD", "ABCD2345")


@pytest.mark.parametrize(
    ("text", "is_later"),
    [
        ("laporan IOMKI PT A untuk Jumat, 22 Mei 2020 sudah diterima", False),
        ("karena laporan IOMKI tidak disampaikan: Jumat, 22 Mei 2020; Jumat, 29 Mei 2020", True),
        ("laporan IOMKI PT A untuk Jumat, 5 Juni 2020", True),
        ("Jawab sebelum 29 Mei 2020 pukul 07.00 WIB dengan tiket", False),
    ],
)
def test_only_news_of_later_reports_is_left_out_of_the_count(text: str, is_later: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_of_later_period(text, date(2020, 5, 22)) is is_later
