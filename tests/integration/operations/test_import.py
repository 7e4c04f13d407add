import asyncio
import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rintis.testing.environment import ServiceStarter
from tests.integration.operations.operations_stage import Stage, run

REGISTRATIONS = """\
Referensi;NIK;Nama Lengkap;Tanggal Lahir;No HP;Kode Kabupaten;Status;Tanggal PHK;Perusahaan;Keahlian;KBLI Usaha;Rencana Usaha
D-1;3273015204890007;Wulan Sekarningrum;12-04-1989;081200417889;32.73;phk;06-04-2020;PT Sandang;menjahit, memasak;14111;Jahit
D-2;3273011204890008;Budi Santoso;12/04/1989;081200417890;32.73;dirumahkan;2020-04-06;PT Sandang;;;
D-3;32730112ABC;Nama Salah;12-04-1989;;32.73;phk;06-04-2020;PT Sandang;;;
D-4;3273011204890009;Agus;12-04-1989;;99.99;phk;06-04-2020;PT Sandang;;;
D-5;3273011204890010;Dewi;kemarin;;32.73;phk;06-04-2020;PT Sandang;;;
D-6;3273011204890011;Made;12-04-1989;;32.73;mengundurkan diri;06-04-2020;PT Sandang;;;
"""
LAYOFFS = """\
nik,name,employment_status,layoff_on,employer
3273015204890007,Wulan Sekarningrum,phk,2020-04-06,PT Sandang
3273011204890008,"Santoso, Budi",phk,2020-04-06,PT Sandang
"""
CLOCK = {"RINTIS_CLOCK": f"2020-05-11T02:00:00+00:00@{datetime.now(UTC).isoformat()}*1"}
EVERYTHING = """
select (select count(*) from submissions)::int as submissions, (select count(*) from registrations)::int as registrations,
       (select count(*) from persons)::int as persons, (select sum(last) from sequences)::int as said,
       (select sum(events) from flow where direction = 'door')::int as arrivals
"""


@pytest.fixture
def addressed(stage: Stage, start_service: ServiceStarter) -> dict[str, str]:
    """A registration service that runs, and what tells the command of it."""
    service = start_service("registration", CLOCK)
    token = start_service.servers.secrets.tokens["dinas"]
    return {**stage.environment, "RINTIS_URL_REGISTRATION": service.program.url, "RINTIS_TOKEN": token}


async def test_a_dinas_list_goes_in_but_for_its_bad_lines_and_a_second_time_changes_nothing(
    stage: Stage, addressed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "daftar.csv"
    path.write_text(REGISTRATIONS, encoding="utf-8-sig")
    command = ["import", str(path), "--kind", "registrations", "--json"]

    first = await asyncio.to_thread(run, command, addressed)
    after_first = [dict(row) for row in await stage.sql("registration", EVERYTHING)]
    listed = _rows(tmp_path / "daftar.ditolak.csv")
    again = await asyncio.to_thread(run, command, addressed)

    assert first.returncode == again.returncode == 3, first.stderr + again.stderr
    verdicts = {"accepted": 2, "refused": 2, "malformed": 2}
    told = json.loads(first.stdout)
    assert told.pop("seconds") > 0
    assert told == {"lines": 6, "verdicts": verdicts, "report": str(tmp_path / "daftar.ditolak.csv")}
    assert {tuple(row[:3]) for row in listed} == {
        ("4", "nik", "NIK_FORMAT"),
        ("5", "regency", "REGENCY_UNKNOWN"),
        ("6", "birth_date", "NOT_A_DATE"),
        ("7", "employment_status", "schema_literal_error"),
    }
    assert all(row[3] for row in listed)
    assert after_first[0]["registrations"] == 2
    assert [dict(row) for row in await stage.sql("registration", EVERYTHING)] == after_first
    assert json.loads(again.stdout)["verdicts"] == verdicts
    assert _rows(tmp_path / "daftar.ditolak.csv") == listed


async def test_a_second_time_changes_nothing_when_the_answers_are_forgotten_too(
    stage: Stage, addressed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "daftar.csv"
    path.write_text(REGISTRATIONS, encoding="utf-8-sig")
    command = ["import", str(path), "--kind", "registrations", "--json"]
    await asyncio.to_thread(run, command, addressed)
    after_first = [dict(row) for row in await stage.sql("registration", EVERYTHING)]
    await stage.sql("registration", "delete from calls")

    again = await asyncio.to_thread(run, command, addressed)

    assert again.returncode == 3, again.stderr
    assert [dict(row) for row in await stage.sql("registration", EVERYTHING)] == after_first


async def test_an_employers_list_is_evidence_and_registers_nobody(
    stage: Stage, addressed: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "phk.csv"
    path.write_text(LAYOFFS, encoding="utf-8")

    done = await asyncio.to_thread(run, ["import", str(path), "--kind", "layoffs", "--json"], addressed)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdicts"] == {"evidence": 2}
    assert _rows(tmp_path / "phk.ditolak.csv") == []
    (counts,) = await stage.sql("registration", EVERYTHING)
    assert (counts["submissions"], counts["registrations"], counts["persons"]) == (2, 0, 2)
    doors = await stage.sql("registration", "select distinct party from flow where direction = 'door'")
    assert [row["party"] for row in doors] == ["file"]


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]
