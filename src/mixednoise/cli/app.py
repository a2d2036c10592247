"""All commands. Heavy imports happen inside them: ``--help`` answers at once."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

from mixednoise.cli.corrupt import corrupt
from mixednoise.cli.demo import demo
from mixednoise.cli.evaluate import evaluate
from mixednoise.cli.guard import guarded
from mixednoise.cli.predict import predict
from mixednoise.cli.train import train
from mixednoise.version import __version__

app = typer.Typer(
    name="mixednoise",
    help="Train on medical images whose labels and pixels can't be trusted, "
    "and find out which ones.\n\n"
    "[bold]Start with:[/] mixednoise demo  (nothing to download)",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _paragraphs(text: str | None) -> str:
    """A docstring with each paragraph on one line: the terminal's width breaks them, not ours."""
    parts = inspect.cleandoc(text or "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in parts)


for command in (train, evaluate, predict, corrupt, demo):
    app.command(help=_paragraphs(command.__doc__))(guarded(command))


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mixednoise {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Train on medical images whose labels and pixels can't be trusted."""
