"""The operators' doors of the services: what changes anything goes through the service that owns the data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests

from rintis.runtime.databases import SERVICES
from rintis.runtime.errors import CannotStart
from rintis.runtime.state import State
from shared.errors import RintisError

CALL_SECONDS = 30.0
"""Longest wait for one answer: taking ten thousand letters for an action is one statement of a second or two."""


class Refused(RintisError):
    """A service did not do what it was asked to; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Doors:
    """The services' addresses, and who calls."""

    urls: dict[str, str]
    token: str

    def call(self, service: str, method: str, path: str, **options: Any) -> Any:
        """Return a service's answer.

        Raises:
            Refused: where the service says no.
            CannotStart: where it does not answer.
        """
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self.urls[service]}/operations{path}"
        try:
            answer = requests.request(method, url, headers=headers, timeout=CALL_SECONDS, **options)
        except requests.RequestException as error:
            raise CannotStart(f"{service} does not answer ({type(error).__name__}).", "Is `rintis up` running?") from None
        if not answer.ok:
            raise Refused(_words(service, answer))
        return answer.json()

    def find_action(self, action: UUID, limit: int = 0) -> tuple[str, dict[str, Any]]:
        """Return an action and whose it is, with so many of its entries. Raises Refused where nobody knows it."""
        for service in self.urls:
            try:
                return service, self.call(service, "GET", f"/dead-letters/actions/{action}", params={"limit": limit})
            except Refused:
                continue
        raise Refused(f"No service knows an action {action}.\n  `rintis dead-letters history` lists them.")


def open_doors(person: str | None, services: Sequence[str] = SERVICES) -> Doors:
    """Return the doors that RINTIS_URL_<SERVICE> name, for the caller of RINTIS_TOKEN or a person of this machine."""
    urls = {service: os.environ.get(f"RINTIS_URL_{service.upper()}", "") for service in services}
    if missing := [service for service, url in urls.items() if not url]:
        variable = f"RINTIS_URL_{missing[0].upper()}"
        raise CannotStart(f"Nothing says where {missing[0]} is.", f"Start `rintis up` here, or set {variable}.")
    return Doors(urls, _token(person))


def _token(person: str | None) -> str:
    if person is not None:
        tokens: dict[str, str] = State.default().read("tokens.json", {})
        if person not in tokens:
            raise CannotStart(f"This machine has no token of {person}.", "Leave --as out and set RINTIS_TOKEN to your own token.")
        return tokens[person]
    if not (token := os.environ.get("RINTIS_TOKEN")):
        raise CannotStart("Nothing says who you are.", "Set RINTIS_TOKEN to an operator's token, or start `rintis up` here.")
    return token


def _words(service: str, answer: requests.Response) -> str:
    try:
        body = answer.json()
    except requests.JSONDecodeError:
        body = {}
    wrong = "; ".join(f"{error['field']}: {error['remedy']}" for error in body.get("errors", []))
    field = f" ({body['field']})" if body.get("field") else ""
    text = f"{service}: {body.get('detail', answer.reason)}{field} {wrong}".strip()
    return f"{text}\n  {body['remedy']}" if body.get("remedy") else text
