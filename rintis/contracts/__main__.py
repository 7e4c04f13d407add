"""`python -m rintis.contracts freeze | check`: keep the published contract and the models in step."""

from __future__ import annotations

from collections.abc import Sequence

import typer
from rich.console import Console

from rintis.contracts.asyncapi import DOCUMENT, is_current, render_document
from rintis.contracts.examples import find_faults
from rintis.contracts.schemas import FREEZE, ROOT, current_models, find_drift, freeze

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False)
console = Console(highlight=False, soft_wrap=True)


@app.command("freeze")
def freeze_contracts() -> None:
    """Write schemas that are new or only grown, and the AsyncAPI document. An incompatible schema is never overwritten."""
    written, refused = freeze(current_models())
    if not is_current():
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(render_document(), encoding="utf-8")
        written.append(str(DOCUMENT.relative_to(ROOT)))
    for name in written:
        console.print(f"written: {name}")
    _end([line for drift in refused for line in drift.lines()])


@app.command("check")
def check_contracts() -> None:
    """Say where frozen schemas, examples or the AsyncAPI document differ from the models; exit 1 if they do anywhere."""
    faults = [line for drift in find_drift(current_models()) for line in drift.lines()]
    faults += find_faults()
    if not is_current():
        faults.append(f"{DOCUMENT.relative_to(ROOT)} is out of step with the models. Run `{FREEZE}`.")
    _end(faults)


def _end(faults: Sequence[str]) -> None:
    for fault in faults:
        console.print(fault, style="red", markup=False)
    if faults:
        raise typer.Exit(1)
    console.print("Contracts are in step with the models.")


if __name__ == "__main__":
    app()
