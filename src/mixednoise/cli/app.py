"""All commands. Heavy imports happen inside them: ``--help`` answers at once."""

from __future__ import annotations

from typing import Annotated

import typer

from mixednoise.cli.apply import apply
from mixednoise.cli.audit import audit
from mixednoise.cli.benchmark import benchmark
from mixednoise.cli.corrupt import corrupt
from mixednoise.cli.demo import demo
from mixednoise.cli.evaluate import evaluate
from mixednoise.cli.export import export
from mixednoise.cli.import_decisions import import_
from mixednoise.cli.predict import predict
from mixednoise.cli.quality import quality
from mixednoise.cli.register import register
from mixednoise.cli.review import review
from mixednoise.cli.segment.app import segment
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
register(
    app,
    train,
    evaluate,
    predict,
    audit,
    quality,
    review,
    apply,
    export,
    import_,
    corrupt,
    benchmark,
    demo,
)
app.add_typer(segment)


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
