"""``mixednoise import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mixednoise.cli import options as o

Source = Literal["label-studio", "fiftyone"]


def import_(
    audit: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder of the audit that was exported.")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Export of Label Studio (JSON or JSON-MIN), or folder of an export of FiftyOne.",
        ),
    ],
    source: Annotated[
        Source,
        typer.Option("--from", metavar="TOOL", help="label-studio or fiftyone."),
    ],
    reviewer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Who decided. Label Studio tells its annotators, FiftyOne tells nobody.",
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Also record decisions that were imported before and taken back since.",
        ),
    ] = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Record decisions that were made in another tool, beside those of the review page.

    All of a file is recorded, or nothing; a file that was imported before adds nothing.

    [bold]Example:[/] mixednoise import audits/first export.json --from label-studio
    """
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.import_decisions import import_decisions
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = import_decisions(audit, file, source, reviewer=reviewer, again=again)
    answer(summary, [], as_json=as_json)
    aside = "".join(f", {n:,} {why}" for why, n in summary["skipped"].items())
    progress.message(f"{counted(summary['found'], 'decision')}: {summary['new']:,} new{aside}")
    if summary["new"]:
        progress.message(f"next: mixednoise apply {audit} --out corrected.csv")
