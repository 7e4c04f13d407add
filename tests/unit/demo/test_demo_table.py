"""The end table's numbers add up, or it is said which do not."""

import io
from typing import Any

from rich.console import Console

from rintis.demo.table import find_imbalances, show

NUMBERS: dict[str, Any] = {
    "received": 10,
    "by_door": {"kafka": 10},
    "accepted": 7,
    "refused": 2,
    "duplicate": 1,
    "refused_for": {"NIK_FORMAT": 2},
    "layoff_lines": 3,
    "decisions": 7,
    "outcomes": {"confirmed": 7},
    "denied_for": {},
    "seats": {"accepted": 7},
    "seats_held": 7,
    "seats_there": 20,
    "fullest_incubator_percent": 35.0,
    "messages": {"sms sent": 9, "no channel skipped": 1},
    "received_by_simulators": {"sms": 9, "email": 0},
    "tasks": {},
    "permits": 0,
    "filings": {},
    "periods": {},
    "warnings": 0,
    "audit": {"accepted": 10},
    "is_audit_clean": True,
    "differences": [],
    "unfinished": [],
}


def test_numbers_that_add_up_have_no_imbalance() -> None:
    assert find_imbalances(NUMBERS) == []


def test_each_sum_that_fails_is_named() -> None:
    assert find_imbalances(NUMBERS | {"received": 11}) == ["received = accepted + refused + duplicates"]
    assert find_imbalances(NUMBERS | {"decisions": 6}) == ["accepted = one decision each"]
    assert find_imbalances(NUMBERS | {"fullest_incubator_percent": 101}) == ["placed <= capacity everywhere"]
    assert find_imbalances(NUMBERS | {"received_by_simulators": {"sms": 8, "email": 0}}) == [
        "messages sent = what the simulators received"
    ]


def test_the_table_shows_what_differs_and_where_to_look_next() -> None:
    console = Console(file=io.StringIO(), width=160)
    show(console, NUMBERS | {"differences": [f"difference {number}" for number in range(30)]})
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "difference 0" in text
    assert "and 10 more" in text
    assert "Look next" in text
