"""Says what is being done and how long it took: spinners and bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn


class Steps:
    """Reports steps on standard error, so that standard output stays for results."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False)

    def note(self, text: str) -> None:
        """Print one line."""
        self.console.print(text, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step while the block runs. The block may say what it waits for by calling what it is given."""
        began = time.monotonic()
        with self.console.status(f"{title} …") as status:
            try:
                yield lambda detail: status.update(f"{title} … {detail}")
            except BaseException:
                self.console.print(f"[red]✗[/red] {title}")
                raise
        self.console.print(f"[green]✓[/green] {title} [dim]{time.monotonic() - began:.1f} s[/dim]")

    @contextmanager
    def downloads(self, title: str, total: int | None) -> Iterator[Downloads]:
        """Show one bar for many files."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console) as progress:
            task = progress.add_task(title, total=total)
            yield Downloads(lambda count: progress.update(task, advance=count))


class Downloads:
    """Counts bytes of several files into one bar, in the shape that jgo's resolver calls back."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        self._advance = advance

    @contextmanager
    def file(self, name: str, size: int) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - the shape is jgo's
        """Return what takes the count of each chunk of one file."""
        yield self._advance
