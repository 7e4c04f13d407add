"""What `rintis dead-letters` and `rintis consumers` do: each action goes through the service that owns the data."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from rintis.operations.doors import Doors, Refused, open_doors
from rintis.runtime.databases import SERVICES

LOOK_SECONDS = 0.5
"""Between two looks at an action under way."""
WAITS = 3
"""Exit status where a second person has to approve first."""
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]

Consumer = Annotated[str | None, typer.Option(help="Only this consumer, such as registration.registrations.")]
Topic = Annotated[str | None, typer.Option(help="Only this topic.")]
ReasonCode = Annotated[str | None, typer.Option("--reason", help="Only this reason code.")]
Since = Annotated[datetime | None, typer.Option(help="Only what was set aside at this time or later.", formats=FORMATS)]
Until = Annotated[datetime | None, typer.Option(help="Only what was set aside before this time.", formats=FORMATS)]
Only = Annotated[str | None, typer.Option("--only", help="`dead` for dead letters, `held` for keys that wait for an operator.")]
Letters = Annotated[list[UUID] | None, typer.Option("--letter", help="Only these, by the ids that `list` prints.")]
Why = Annotated[str, typer.Option(help="Why, in five characters or more; it is kept, so no person's data.")]
As = Annotated[str | None, typer.Option("--as", help="Act as this person of this machine instead of RINTIS_TOKEN.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Rate = Annotated[int | None, typer.Option(help="Letters per second; the services' own limit where left out.", min=1)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count what it would be about.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it begins.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not stay until it is over.")]


def redrive(  # noqa: PLR0913 - one option each
    *,
    why: Why,
    consumer: Consumer = None,
    topic: Topic = None,
    reason: ReasonCode = None,
    since: Since = None,
    until: Until = None,
    only: Only = None,
    letter: Letters = None,
    per_second: Rate = None,
    as_: As = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Try dead letters and held keys again, each key in its order.

    Exit status: 0 done, 1 something failed again or cannot be done, 3 a second person has to approve first.
    """
    wanted = wanted_of(consumer=consumer, topic=topic, reason=reason, since=since, until=until, only=only, letters=letter)
    body = {"kind": "redrive", "filter": wanted, "why": why, "per_second": per_second}
    _act(body, person=as_, dry_run=dry_run, yes=yes, waits=not no_wait, as_json=as_json)


def waive(  # noqa: PLR0913 - one option each
    *,
    why: Why,
    consumer: Consumer = None,
    topic: Topic = None,
    reason: ReasonCode = None,
    since: Since = None,
    until: Until = None,
    only: Only = None,
    letter: Letters = None,
    as_: As = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_wait: NoWait = False,
    as_json: Json = False,
) -> None:
    """Give dead letters up for good, or the first record of each held key, so that those behind it go on.

    Exit status: 0 done, 1 it cannot be done, 3 a second person has to approve first.
    """
    wanted = wanted_of(consumer=consumer, topic=topic, reason=reason, since=since, until=until, only=only, letters=letter)
    _act(
        {"kind": "waive", "filter": wanted, "why": why}, person=as_, dry_run=dry_run, yes=yes, waits=not no_wait, as_json=as_json
    )


def approve(action: Annotated[UUID, typer.Argument(help="The action that waits.")], as_: As = None) -> None:
    """Approve what another operator asked for; it begins at once."""
    doors = open_doors(as_)
    service, _ = doors.find_action(action)
    found = doors.call(service, "POST", f"/dead-letters/actions/{action}/approve")
    typer.echo(f"{found['kind']} of {found['entries']} in {service}, asked for by {found['asked_by']}: approved.")


def cancel(action: Annotated[UUID, typer.Argument(help="The action to end.")], as_: As = None) -> None:
    """End an action: what is under way goes on to its outcome, the rest stays on the list."""
    doors = open_doors(as_)
    service, _ = doors.find_action(action)
    found = doors.call(service, "POST", f"/dead-letters/actions/{action}/cancel")
    typer.echo(f"{action} in {service}: cancelled. {_outcomes(found)}")


def history(
    action: Annotated[UUID | None, typer.Option(help="Only this action, entry by entry.")] = None,
    limit: Annotated[int, typer.Option(help="Newest so many per service, or entries of the action.", min=1, max=10_000)] = 50,
    as_: As = None,
    *,
    as_json: Json = False,
) -> None:
    """Show what was asked for, by whom and why, and what became of each."""
    doors = open_doors(as_)
    if action is not None:
        service, found = doors.find_action(action, limit)
        actions = [{"service": service, **found}]
    else:
        lists = {service: doors.call(service, "GET", "/dead-letters/actions", params={"limit": limit}) for service in SERVICES}
        actions = [{"service": service, **row} for service, found in lists.items() for row in found["actions"]]
        actions.sort(key=lambda row: row["asked_at"], reverse=True)
    if as_json:
        typer.echo(json.dumps(actions if action is None else actions[0], indent=1))
        return
    columns = ("id", "service", "kind", "state", "asked_by", "approved_by", "asked_at", "why")
    _print(columns, [[*(str(row[name] or "") for name in columns), _outcomes(row)] for row in actions], last="outcomes")
    if action is not None:
        parts = ("entry", "topic", "partition", "record_offset", "outcome", "reason", "ended_at")
        _print(parts, [[str(entry[name] if entry[name] is not None else "") for name in parts] for entry in actions[0]["list"]])


def read(
    letter: Annotated[UUID | None, typer.Argument(help="Id of the dead letter to ask for.")] = None,
    why: Annotated[str, typer.Option(help="Why; it is kept, so no person's data.")] = "",
    action: Annotated[UUID | None, typer.Option(help="The approved reading, instead of a letter.")] = None,
    as_: As = None,
) -> None:
    """Read a letter's record, once. One of intake shows a person's data: a second person approves first. Each reading is kept.

    Exit status: 0 shown, 1 not possible, 3 a second person has to approve first.
    """
    doors = open_doors(as_)
    if (letter is None) == (action is None):
        raise typer.BadParameter("Name a letter to ask for, or --action with an approved reading.")
    if action is None:
        service, found = _ask_to_read(doors, letter, why)
        if found["needs_approval"]:
            typer.echo(f"Another operator has to approve: rintis dead-letters approve {found['id']}", err=True)
            typer.echo(f"Then: rintis dead-letters read --action {found['id']}", err=True)
            raise typer.Exit(WAITS)
        action = UUID(found["id"])
    else:
        service, _ = doors.find_action(action)
    typer.echo(json.dumps(doors.call(service, "POST", f"/dead-letters/readings/{action}"), indent=1, ensure_ascii=False))


def wanted_of(
    consumer: str | None,
    topic: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    only: str | None,
    letters: Sequence[UUID] | None,
) -> dict[str, Any]:
    """Return a filter as the doors take it; a time without an offset is this machine's."""
    if only not in {None, "dead", "held"}:
        raise typer.BadParameter("--only is `dead` or `held`.")
    given = {
        "consumer": consumer,
        "topic": topic,
        "reason": reason,
        "since": since and since.astimezone().isoformat(),
        "until": until and until.astimezone().isoformat(),
        "kind": only,
        "ids": [str(letter) for letter in letters] if letters else None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _ask_to_read(doors: Doors, letter: UUID | None, why: str) -> tuple[str, Any]:
    for service in SERVICES:
        entries = doors.call(service, "GET", "/dead-letters", params={"ids": str(letter)})["entries"]
        if entries:
            return service, doors.call(service, "POST", "/dead-letters/readings", json={"letter": str(letter), "why": why})
    raise Refused(f"There is no open dead letter {letter}.\n  `rintis dead-letters list` shows what there is.")


def _act(body: dict[str, Any], *, person: str | None, dry_run: bool, yes: bool, waits: bool, as_json: bool) -> None:
    doors = open_doors(person)
    consumer = body["filter"].get("consumer")
    services = [service for service in SERVICES if consumer is None or consumer.startswith(f"{service}.")]
    plans = {service: doors.call(service, "POST", "/dead-letters/actions", json=body | {"dry_run": True}) for service in services}
    if not as_json:
        _show_plans(plans)
    if dry_run:
        if as_json:
            typer.echo(json.dumps(plans, indent=1))
        return
    meant = [service for service, plan in plans.items() if plan["entries"]]
    if not meant:
        typer.echo("Nothing fits, or each belongs to an action that has not ended.", err=True)
        raise typer.Exit(1)
    if not yes:
        _confirm(body["kind"], sum(plans[service]["entries"] for service in meant))
    asked = {service: doors.call(service, "POST", "/dead-letters/actions", json=body) for service in meant}
    ended = {service: _follow(doors, service, found, waits=waits, quiet=as_json) for service, found in asked.items()}
    if as_json:
        typer.echo(json.dumps(ended, indent=1))
    raise typer.Exit(max(_status(found) for found in ended.values()))


def _confirm(kind: str, entries: int) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("Say --yes where nobody can be asked.")
    typer.confirm(f"{kind} these {entries}?", abort=True)


def _follow(doors: Doors, service: str, found: dict[str, Any], *, waits: bool, quiet: bool) -> dict[str, Any]:
    """Stay until an action is over; leaving does not end it."""
    action = found["id"]
    if not quiet:
        typer.echo(f"{service}: action {action}, {found['entries']} entries, {found['per_second']} per second.", err=True)
    if found["state"] == "waiting":
        typer.echo(f"Another operator has to approve: rintis dead-letters approve {action}", err=True)
    try:
        while waits and found["state"] == "running":
            time.sleep(LOOK_SECONDS)
            found = doors.call(service, "GET", f"/dead-letters/actions/{action}")
    except KeyboardInterrupt:
        typer.echo(f"It goes on without you. End it with: rintis dead-letters cancel {action}", err=True)
        raise typer.Exit(1) from None
    if not quiet:
        typer.echo(f"{service}: {found['state']}. {_outcomes(found)}")
    return found


def _status(found: dict[str, Any]) -> int:
    if found["state"] == "waiting":
        return WAITS
    return 1 if found["outcomes"].get("failed") or found["state"] in {"stopped", "cancelled"} else 0


def _outcomes(found: dict[str, Any]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(found["outcomes"].items()))


def _show_plans(plans: dict[str, Any]) -> None:
    rows = [row for plan in plans.values() for row in plan["counts"]]
    columns = ("kind", "consumer", "topic", "reason", "entries", "superseded", "in_other_actions")
    _print(columns, [[str(row[name]) for name in columns] for row in rows])


def _print(columns: Sequence[str], rows: Sequence[Sequence[str]], *, last: str | None = None) -> None:
    table = Table(box=None, header_style="bold")
    for name in (*columns, *([last] if last else [])):
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*row)
    Console().print(table if rows else "Nothing.")
