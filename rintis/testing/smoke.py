"""One registration through a composition that is up: `python -m rintis.testing.smoke`, after `docker compose up --wait`.

It goes in over HTTP; a decision and the messages that tell of it must come out at the simulated SMS provider, and the audit
must account for everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from rintis.runtime.ports import LOOPBACK

PUBLISHER = "kemnaker"
PHONE = "+6281200417889"
WITHIN_SECONDS = 60.0
"""From the answer to the last message; seconds on an idle machine."""
PROBE_SECONDS = 1.0
MESSAGES = 2
"""The ticket, and what was decided; a seat offered or a referral adds a third."""
REGISTRATION = {
    "reference": "SMOKE-1",
    "nik": "3273015204890007",
    "name": "Wulan Sekarningrum",
    "birth_date": "1989-04-12",
    "phone": PHONE,
    "regency": "32.73",
    "employment_status": "phk",
    "layoff_on": "2020-04-06",
    "employer": "PT Sandang Parahyangan Makmur",
    "employer_kbli": "14111",
    "layoff_letter": "017/HRD-PHK/IV/2020",
    "dependants": 2,
    "skills": ["menjahit"],
    "business_plan": {"kbli": "14111", "description": "Usaha jahit seragam di rumah."},
}


def main() -> None:
    """Run the check. Exit status 1 with what was seen last where it fails."""
    token = json.loads(compose("run", "--rm", "--no-deps", "--entrypoint", "cat", "rintis", "/state/tokens.json"))[PUBLISHER]
    status = register(token)
    sys.stdout.write(f"POST /registrations: {status}\n")
    wait(lambda: len(messages()) >= MESSAGES, "messages about the registration")
    sys.stdout.write(f"{len(messages())} messages reached the simulated provider\n")
    sys.stdout.write(compose("run", "--rm", "--no-deps", "rintis", "audit", "--wait", "30"))


def register(token: str) -> int:
    """Send the registration and return the answer's status."""
    address = f"http://{LOOPBACK}:{os.environ.get('RINTIS_PORT_REGISTRATION', '8101')}/registrations"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": "smoke-1"}
    request = urllib.request.Request(address, json.dumps(REGISTRATION).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=WITHIN_SECONDS) as answer:  # noqa: S310 - the same
        return int(answer.status)


def messages() -> list[dict[str, Any]]:
    """Return what the simulated provider has received for the registered phone."""
    lines = compose("exec", "-T", "sms", "sh", "-c", "cat /received/sms.jsonl 2>/dev/null || true").splitlines()
    received: list[dict[str, Any]] = [json.loads(line) for line in lines if line.strip()]
    return [message for message in received if message.get("to") == PHONE]


def wait(is_done: Callable[[], bool], what: str) -> None:
    """Return once the condition holds."""
    end = time.monotonic() + WITHIN_SECONDS
    while not is_done():
        if time.monotonic() > end:
            sys.exit(f"Not within {WITHIN_SECONDS:.0f} s: {what}. Received: {messages()}")
        time.sleep(PROBE_SECONDS)


def compose(*arguments: str) -> str:
    """Run docker compose and return what it printed."""
    return subprocess.run(["docker", "compose", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603, S607


if __name__ == "__main__":
    main()
