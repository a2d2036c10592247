"""``mixednoise segment report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of segment train.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="HTML file to write. Default: report.html in RUN."),
    ] = None,
    overwrite: o.Overwrite = False,
    quiet: o.Quiet = False,
) -> None:
    """Make the report of a run again: worst masks with pictures, error rates, scores.

    [bold]Example:[/] mixednoise segment report runs/masks --overwrite
    """
    from mixednoise.jobs.segment_report import report_run
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    progress.message(f"report: {report_run(run, out, overwrite=overwrite, progress=progress)}")
