"""What goes wrong inside a command becomes one message and an exit status, never a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

from mixednoise.errors import MixedNoiseError

P = ParamSpec("P")
INTERRUPTED = 130


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command: errors of ours, lost disks and Ctrl-C end it with a message on stderr."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except MixedNoiseError as error:
            _say(f"error: {error}", "red")
            raise typer.Exit(error.exit_status) from None
        except KeyboardInterrupt as stop:
            notes = getattr(stop, "__notes__", ["nothing half-written was left behind"])
            _say(f"interrupted: {notes[0]}", "yellow")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            # A full disk or a lost drive is the user's business, a traceback is not.
            where = f": {error.filename}" if error.filename else ""
            _say(f"error: {error.strerror or error}{where}", "red")
            raise typer.Exit(1) from None

    return wrapped


def _say(text: str, style: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True, highlight=False).print(text, style=style, markup=False)
