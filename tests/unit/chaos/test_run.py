import struct
from dataclasses import replace
from pathlib import Path

import pytest

from rintis.chaos.happened import Happened, by_kind, recoveries_of
from rintis.chaos.judgement import Judgement
from rintis.chaos.logs import count_errors, last_reason
from rintis.chaos.plan import Fault, Kind, plan_outages
from rintis.chaos.run import Options, Run, in_steps, plan_for
from rintis.chaos.scenarios import cut_segment
from rintis.commands.chaos import read_outages
from rintis.runtime.errors import CannotStart

FAULT = Fault(1, Kind.KILL_SERVICE, 0.0, slot="eligibility-1")


def test_a_fault_that_overlaps_is_played_together_with_the_one_before_it() -> None:
    first, second, third = FAULT, replace(FAULT, number=2, overlaps=True), replace(FAULT, number=3)

    assert in_steps([first, second, third]) == [[first, second], [third]]


def test_figures_by_kind_say_how_many_never_recovered() -> None:
    times = (1.0, 4.0, 2.0, None)
    killed = [Happened(FAULT, 0.0, 0.0, recovery, "") for recovery in times]
    paused = Happened(replace(FAULT, kind=Kind.PAUSE_SERVICE), 0.0, 0.0, None, "")

    table = by_kind(recoveries_of([*killed, paused]))

    assert table["kill-service"] == {
        "count": 4,
        "recovery_median_seconds": 2.0,
        "recovery_worst_seconds": 4.0,
        "not_recovered": 1,
    }
    assert table["pause-service"]["not_recovered"] == 1
    assert table["pause-service"]["recovery_median_seconds"] is None


def batch(first: int, size: int) -> bytes:
    return struct.pack(">qi", first, size) + b"x" * size


def test_the_newest_batches_of_a_segment_are_cut_off_whole(tmp_path: Path) -> None:
    segment = tmp_path / "0.log"
    batches = [batch(number, 10 + number) for number in range(10)]
    segment.write_bytes(b"".join(batches))

    assert cut_segment(segment) == 3
    assert segment.read_bytes() == b"".join(batches[:7])


def test_an_empty_segment_stays_as_it_is(tmp_path: Path) -> None:
    segment = tmp_path / "0.log"
    segment.write_bytes(b"")

    assert cut_segment(segment) == 0


def test_the_last_reason_that_a_service_gave_is_found_between_other_lines(tmp_path: Path) -> None:
    log = tmp_path / "eligibility-1.log"
    log.write_text('{"action": "fatal", "reason": "first"}\n{"action": "fatal", "reason": "second"}\n["x"]\nTraceback\n')

    assert last_reason(log) == "second"
    log.write_text("Traceback\n")
    assert last_reason(log) == ""


def test_a_plan_in_parts_is_the_plan() -> None:
    slots = ("eligibility-1", "registration-1")
    whole = plan_for(Options(30, 4, 1.0), slots)

    rest = plan_for(Options(30, 4, 1.0, first=11), slots)

    assert len(whole) == 30
    assert [fault.number for fault in rest] == list(range(11, 31))
    assert rest == whole[10:]


def test_errors_that_a_simulator_did_not_expect_are_counted_by_its_log(tmp_path: Path) -> None:
    log = tmp_path / "sms.log"
    log.write_text("ready\nTraceback (most recent call last):\n  x\nValueError\n" * 2)

    assert count_errors([log, tmp_path / "smtp.log"]) == 2
    judged = Run(Options(1, 1, 1.0), 0.0, judgement=Judgement(accepted=1))
    assert judged.is_good
    assert not replace(judged, simulator_errors=2).is_good


def test_outages_are_read_as_server_and_seconds_and_played_first() -> None:
    outages = read_outages(["kafka=600", "postgres=1.5"])

    assert [(fault.kind, fault.seconds) for fault in plan_outages(outages)] == [
        (Kind.KAFKA_STOP, 600.0),
        (Kind.POSTGRES_IMMEDIATE, 1.5),
    ]
    for wrong in ("redis=3", "kafka", "kafka=long"):
        with pytest.raises(CannotStart):
            read_outages([wrong])
