"""The publishers: by Kafka, by HTTP in batches, and by a file that the command line imports."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import aiohttp
from aiokafka import AIOKafkaProducer

from rintis.commands.imports import SOME_REFUSED
from rintis.demo.companies import Filing, Permit
from rintis.demo.population import Registration
from rintis.runtime.errors import CannotStart
from rintis.runtime.state import ROOT
from shared.clock import Clock
from shared.contracts.envelope import Envelope, headers_of
from shared.contracts.intake import FilingSubmitted, IntakeEvent, LayoffReported, PermitIssued, RegistrationSubmitted

NAMESPACE = uuid5(NAMESPACE_URL, "https://demo.rintis.contoh.id")
BATCH = 500
"""Registrations per HTTP call: half of what the door takes."""
WINDOW = 500
"""Records that wait for their acknowledgement at once."""
BUSY = 503
TRIES = 60
"""Calls that a busy service turns away are made again about once a second for a minute."""
LIST_BY_FILE = 5
"""Every fifth line of the layoff lists comes by an employer's file."""


@dataclass(frozen=True, slots=True)
class Publishers:
    """Everybody who sends. `variables` and `tokens` are the running stack's."""

    variables: Mapping[str, str]
    tokens: Mapping[str, str]
    folder: Path
    clock: Clock

    async def report_layoffs(self, lines: Sequence[dict[str, Any]]) -> None:
        """Send the layoff lists: Kemnaker's by Kafka, employers' by a file."""
        by_file = lines[::LIST_BY_FILE]
        by_kafka = [line for number, line in enumerate(lines) if number % LIST_BY_FILE]
        await asyncio.gather(
            self._publish(LayoffReported, [("kemnaker", line) for line in by_kafka]),
            self._import("layoffs", "daftar-phk.csv", by_file),
        )

    async def register(self, registrations: Iterable[Registration], name: str) -> None:
        """Send registrations through their doors, all doors at the same time."""
        by_door: dict[str, list[Registration]] = {"kafka": [], "http": [], "file": []}
        for registration in registrations:
            by_door[registration.door].append(registration)
        await asyncio.gather(
            self._publish(RegistrationSubmitted, [(item.publisher, item.data) for item in by_door["kafka"]]),
            self._post(by_door["http"], name),
            self._import("registrations", f"pendaftar-{name}.csv", [_flat(item.data) for item in by_door["file"]]),
        )

    async def issue_permits(self, permits: Sequence[Permit]) -> None:
        """Send what OSS says of the permits."""
        await self._publish(PermitIssued, [("oss", permit.data) for permit in permits])

    async def file_reports(self, filings: Iterable[Filing]) -> None:
        """Send each report when its business time has come."""
        waiting = sorted(filings, key=lambda filing: (filing.send_at, filing.data["reference"]))
        while waiting:
            now = self.clock.now()
            due = [filing for filing in waiting if filing.send_at <= now]
            waiting = waiting[len(due) :]
            await self._publish(FilingSubmitted, [("siinas", filing.data) for filing in due])
            if waiting:
                pause = (self.clock.real(waiting[0].send_at) - self.clock.real(self.clock.now())).total_seconds()
                await asyncio.sleep(max(pause, 0.0))

    async def _publish(self, model: type[IntakeEvent], items: Sequence[tuple[str, dict[str, Any]]]) -> None:
        if not items:
            return
        producer = AIOKafkaProducer(
            bootstrap_servers=self.variables["KAFKA_BOOTSTRAP_SERVERS"], acks="all", enable_idempotence=True, linger_ms=5
        )
        await producer.start()
        try:
            for start in range(0, len(items), WINDOW):
                sent = [await self._send(producer, model, *item) for item in items[start : start + WINDOW]]
                await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, model: type[IntakeEvent], publisher: str, data: dict[str, Any]) -> Any:
        source = f"https://{publisher}.contoh.go.id"
        value = json.dumps(data).encode()
        envelope = Envelope(str(uuid5(NAMESPACE, f"{source}{value!r}")), source, model.TYPE, self.clock.now())
        key = model.model_validate(data).key().encode()
        return await producer.send(f"{model.TOPIC}.{publisher}", value, key=key, headers=headers_of(envelope))

    async def _post(self, registrations: Sequence[Registration], name: str) -> None:
        url = f"{self.variables['RINTIS_URL_REGISTRATION']}/registrations/batch"
        async with aiohttp.ClientSession() as session:
            for start in range(0, len(registrations), BATCH):
                part = registrations[start : start + BATCH]
                headers = {
                    "Authorization": f"Bearer {self.tokens[part[0].publisher]}",
                    "Idempotency-Key": f"demo-{name}-{start}",
                }
                await _post_patiently(session, url, {"items": [item.data for item in part]}, headers)

    async def _import(self, kind: str, name: str, lines: Sequence[dict[str, Any]]) -> None:
        if not lines:
            return
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.DictWriter(file, sorted({field for line in lines for field in line}))
            rows.writeheader()
            rows.writerows(lines)
        command = [sys.executable, "-m", "rintis", "import", str(path), "--kind", kind, "--publisher", "dinas", "--json"]
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=ROOT,
            env={**os.environ, **self.variables, "RINTIS_TOKEN": self.tokens["dinas"]},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode not in (0, SOME_REFUSED):
            raise CannotStart(f"`rintis import` of {name} failed: {(output + errors).decode(errors='replace')[-500:]}")


async def _post_patiently(session: aiohttp.ClientSession, url: str, body: dict[str, Any], headers: dict[str, str]) -> None:
    for _ in range(TRIES):
        async with session.post(url, json=body, headers=headers) as response:
            if response.status != BUSY:
                response.raise_for_status()
                return
            await asyncio.sleep(float(response.headers.get("Retry-After", 1)))
    raise CannotStart(f"{url} was busy for too long.")


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    """Return a registration as a line of a dinas' file."""
    plan = data.get("business_plan")
    line = {field: value for field, value in data.items() if field != "business_plan"}
    line |= {"other_aid": "|".join(data["other_aid"]), "skills": "|".join(data["skills"])}
    line["in_formal_education"] = "ya" if data["in_formal_education"] else "tidak"
    return line | ({"plan_kbli": plan["kbli"], "plan_description": plan["description"]} if plan else {})
