"""The sub-commands of ``mixednoise segment``."""

from __future__ import annotations

import typer

from mixednoise.cli.register import register
from mixednoise.cli.segment.compare import compare
from mixednoise.cli.segment.corrupt import corrupt
from mixednoise.cli.segment.errors import errors
from mixednoise.cli.segment.evaluate import evaluate
from mixednoise.cli.segment.export import export
from mixednoise.cli.segment.predict import predict
from mixednoise.cli.segment.report import report
from mixednoise.cli.segment.train import train

segment = typer.Typer(
    name="segment",
    help="Find the wrong pixels of masks, and train a segmenter that is better than its masks.\n\n"
    "[bold]Example:[/] mixednoise segment train --images images --masks masks --out runs/masks\n\n"
    "[bold]Without training, from predictions of your own:[/] mixednoise segment errors "
    "--masks masks --probabilities probabilities --out errors",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
register(segment, train, errors, predict, evaluate, export, report, compare, corrupt)
