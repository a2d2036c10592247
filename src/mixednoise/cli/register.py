"""How a function becomes a command: its docstring is its help, what goes wrong is one message."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import typer

from mixednoise.cli.guard import guarded


def register(app: typer.Typer, *commands: Callable[..., None]) -> None:
    """Add commands under the names of their functions; ``import_`` is ``import``."""
    for command in commands:
        name = command.__name__.rstrip("_").replace("_", "-")
        app.command(name, help=paragraphs(command.__doc__))(guarded(command))


def paragraphs(text: str | None) -> str:
    """A docstring with each paragraph on one line: the terminal's width breaks them, not ours."""
    parts = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in parts)
