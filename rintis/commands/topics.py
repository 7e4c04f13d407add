"""`rintis topics create` and `rintis publishers add`: what an operator does before others can publish."""

from __future__ import annotations

import os
import shlex
from typing import Annotated

import typer

from rintis.runtime.acls import grants
from rintis.runtime.apart import run_apart
from rintis.runtime.errors import CannotStart
from rintis.runtime.people import local_people
from rintis.runtime.progress import Steps
from rintis.runtime.secrets import load_secrets
from rintis.runtime.state import State
from rintis.runtime.topics import check_publisher, create_all, publishers
from shared.contracts.topics import INTAKE

topics = typer.Typer(help="The topics of the contracts.", no_args_is_help=True)
intake = typer.Typer(help="The systems that publish to us.", no_args_is_help=True)


@topics.command("create")
def create(
    replicas: Annotated[
        int | None, typer.Option(help="Copies of each topic; as many as there are brokers, three at most, unless given.")
    ] = None,
) -> None:
    """Make every topic that is missing on the brokers of KAFKA_BOOTSTRAP_SERVERS. Those that exist stay as they are."""
    made = run_apart(create_all(_bootstrap(), publishers(), replicas=replicas))
    for name in made:
        typer.echo(name)
    Steps().note(f"{len(made)} topics made.")


@topics.command("acls")
def acls() -> None:
    """Print one line of arguments for `kafka-acls.sh --add` per right; see deploy/kafka/README.md."""
    for grant in grants(publishers()):
        typer.echo(shlex.join(grant.arguments()))


@intake.command("add")
def add(name: Annotated[str, typer.Argument(help="Small letters, digits, hyphens; ends the names of its topics.")]) -> None:
    """Make a publisher's own intake topics and its bearer token for the HTTP doors."""
    check_publisher(name)
    run_apart(create_all(_bootstrap(), [name]))
    state = State.default()
    added = [*state.read("publishers.json", []), name]
    state.write("publishers.json", added)
    load_secrets(state, local_people(publishers(added)))
    for topic in INTAKE:
        typer.echo(topic.of(name))
    Steps().note(f"Its token is in {state.folder / 'tokens.json'}. The services read new callers when they start.")


def _bootstrap() -> str:
    if bootstrap := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return bootstrap
    raise CannotStart("No Kafka runs from here.", "Start everything with `rintis up`, or set KAFKA_BOOTSTRAP_SERVERS.")
