"""The service as a process on real Kafka and PostgreSQL."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from typer.testing import CliRunner

from rintis.__main__ import app, register
from rintis.testing.environment import Servers, ServiceStarter
from rintis.testing.fixtures import Publish
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import RegistrationSubmitted
from shared.testing import eventually
from tests.integration.registration.registration_setup import a_registration

TOPIC = "intake.registrations.kemnaker"
GOOD = "9501011203850002"
LINES = """referensi;nik;nama;tanggal_lahir;telepon;kode_kabupaten;status;tanggal_phk;perusahaan
D-1;3273015204890007;Wulan Sekarningrum;12-04-1989;081200417889;32.73;phk;06-04-2020;PT Sandang
D-2;bukan nik;Budi Hartono;1985-03-12;;32.73;phk;06-04-2020;PT Sandang
D-3;9501011203850002;Yosef Wenda;12/03/1985;;95.01;dirumahkan;06-04-2020;PT Kayu
D-4;6501011203850002;Siti Aminah;kemarin;;65.01;phk;06-04-2020;PT Kayu
"""


def headers(event: RegistrationSubmitted, id_: str) -> dict[str, bytes]:
    return dict(headers_of(Envelope(id_, "https://kemnaker.contoh.go.id", event.TYPE, datetime.now(UTC))))


async def verdicts(environment: dict[str, str]) -> dict[str, int]:
    connection = await asyncpg.connect(environment["DATABASE_URL_REGISTRATION"])
    rows = await connection.fetch("select verdict, count(*) from submissions group by 1")
    await connection.close()
    return {row[0]: row[1] for row in rows}


async def dead(environment: dict[str, str]) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(environment["DATABASE_URL_REGISTRATION"])
    rows = await connection.fetch("select reason, field from dead_letters order by 1, 2")
    await connection.close()
    return [tuple(row) for row in rows]


async def test_hostile_records_cost_their_neighbours_nothing(
    start_service: ServiceStarter, environment: dict[str, str], publish: Publish
) -> None:
    process = start_service("registration")
    first, wrong, last = a_registration(), a_registration(nik="NIK"), a_registration(GOOD, birth_date="1985-03-12")
    await publish(TOPIC, first.model_dump_json().encode(), key=first.reference.encode(), headers=headers(first, "e1"))
    await publish(TOPIC, b"not json", key=b"x", headers=headers(first, "e2"))
    await publish(TOPIC, None, key=b"x", headers=headers(first, "e3"))
    await publish(TOPIC, first.model_dump_json().encode(), key=b"another", headers=headers(first, "e4"))
    await publish(TOPIC, first.model_dump_json().encode(), key=first.reference.encode())
    await publish(TOPIC, wrong.model_dump_json().encode(), key=wrong.reference.encode(), headers=headers(wrong, "e5"))
    for _ in range(5):
        await publish(TOPIC, last.model_dump_json().encode(), key=last.reference.encode(), headers=headers(last, "e6"))

    async def all_settled() -> bool:
        return await verdicts(environment) == {"accepted": 2, "refused": 1} and len(await dead(environment)) == 4

    await eventually(all_settled, within=60)
    assert {field for _, field in await dead(environment)} == {"body", "key", "ce_specversion"}
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{process.program.url}/health/live")).status_code == 200
    log = process.log.read_text("utf-8")
    assert "ready" in log
    assert first.nik not in log


async def test_the_same_file_twice_is_imported_once(
    start_service: ServiceStarter, environment: dict[str, str], servers: Servers, tmp_path: Path, monkeypatch: Any
) -> None:
    process = start_service("registration")
    monkeypatch.setenv("RINTIS_URL_REGISTRATION", process.program.url)
    monkeypatch.setenv("RINTIS_TOKEN", servers.secrets.tokens["dinas"])
    file = tmp_path / "dinas.csv"
    file.write_text(LINES, encoding="utf-8-sig")
    register()
    results = []
    for _ in range(2):
        result = CliRunner().invoke(app, ["import", str(file), "--kind", "registrations", "--publisher", "tester", "--json"])
        assert result.exit_code == 3, result.output
        results.append(json.loads(result.stdout[result.stdout.index("{") :])["verdicts"])
    assert results == [{"accepted": 2, "refused": 1, "malformed": 1}] * 2
    assert await verdicts(environment) == {"accepted": 2, "refused": 1}
    report = (tmp_path / "dinas.ditolak.csv").read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:3] for line in report[1:]] == [["5", "birth_date", "NOT_A_DATE"], ["3", "nik", "NIK_FORMAT"]]
