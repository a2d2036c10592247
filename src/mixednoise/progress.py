"""Progress bars and messages on stderr, so that stdout stays free for answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Protocol, TypeVar

T = TypeVar("T")


class Progress(Protocol):
    """What long work needs in order to be seen."""

    def track(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
        """Yield the items while a bar shows how many have passed."""
        ...

    def message(self, text: str) -> None:
        """Show one line that stays."""
        ...

    def warning(self, text: str) -> None:
        """Show one line that asks for attention."""
        ...


class Silent:
    """Shows nothing (``--quiet``); keeps warnings for whoever asks."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def track(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
        """Yield the items."""
        yield from items

    def message(self, text: str) -> None:
        """Do nothing."""

    def warning(self, text: str) -> None:
        """Keep the line."""
        self.warnings.append(text)


class Terminal:
    """Rich bars on stderr; plain lines where stderr is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, soft_wrap=True, highlight=False)

    def track(self, items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
        """Yield the items while a bar shows count, rate and time left."""
        from rich import progress

        if total is None and isinstance(items, Sized):
            total = len(items)
        bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=24),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with bar:
            yield from bar.track(items, total=total, description=description)

    def message(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False)

    def warning(self, text: str) -> None:
        """Print one line in yellow, with the word warning."""
        self._console.print(f"warning: {text}", style="yellow", markup=False)


def default_progress(quiet: bool = False) -> Progress:
    """Terminal bars, or silence."""
    return Silent() if quiet else Terminal()
