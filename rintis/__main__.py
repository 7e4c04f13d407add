"""The command line: registers every command, and tells them of what runs on this machine."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

import typer
from rich.console import Console

from rintis.commands import setup, topics, up
from rintis.runtime.state import State
from shared.errors import RintisError

app = typer.Typer(
    help="Rintis: the event backbone for laid-off workers' registrations and the supervision of IOMKI companies.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command()(up.up)
app.command()(up.down)
app.command()(setup.setup)
app.add_typer(topics.topics, name="topics")
app.add_typer(topics.intake, name="publishers")

PARTS = {
    "demo": "rintis.commands.demo",
    "import": "rintis.commands.imports",
    "publish": "rintis.commands.publish",
    "queues": "rintis.commands.queues",
    "dead-letters": "rintis.commands.dead_letters",
    "consumers": "rintis.commands.consumers",
    "audit": "rintis.commands.audit",
    "chaos": "rintis.commands.chaos",
    "bench": "rintis.commands.bench",
    "trial": "rintis.commands.trials",
    "positions": "rintis.commands.positions",
}
"""Commands by name: a module has either a typer app `app` or one function `command`."""


def register() -> None:
    """Add the commands that the image or checkout holds; an image for services alone may leave some out."""
    for name, module_name in PARTS.items():
        if importlib.util.find_spec(module_name) is None:
            continue
        module = importlib.import_module(module_name)
        if isinstance(part := getattr(module, "app", None), typer.Typer):
            app.add_typer(part, name=name)
        else:
            app.command(name)(module.command)


def adopt_running() -> None:
    """Take over the addresses of what `rintis up` runs from this folder; a variable that is set already stands."""
    for name, value in State.default().read("environment.json", {}).items():
        os.environ.setdefault(name, value)


def main() -> None:
    """Run the command line. An error that has a remedy is printed without a trace, exit status 1."""
    if sys.argv[1:2] not in (["up"], ["demo"], ["chaos"], ["bench"], ["trial"]):
        adopt_running()
    register()
    try:
        app()
    except RintisError as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
