"""``mixednoise quality``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


@o.with_looking_options
def quality(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="As for train; or images without labels: a folder (searched below), an image, a "
            ".txt with a name per line, a table.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write, a row per image.")],
    reader: o.Reader = o.AS_FOUND,
    workers: o.Workers = None,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure image quality without training: light, contrast, focus, noise, duplicates.

    The CSV has a row per image, unreadable ones included: quality from 0 (shows nothing) to 1
    (good), a score per measure, the raw measures, and reasons in plain words. What is measured,
    and what it is not good for, stands in docs/quality.md.

    [bold]Example:[/] mixednoise quality labels.csv --out quality.csv
    """
    from mixednoise.cli.show import answer, quality_tables
    from mixednoise.data.report import counted
    from mixednoise.jobs.quality import quality_to_csv
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = quality_to_csv(
        data, out, workers=workers, overwrite=overwrite, progress=progress, **reader
    )
    answer(summary, quality_tables(summary), as_json=as_json)
    progress.message(
        f"{counted(summary['images'], 'image')} in {summary['seconds']:.1f} s "
        f"({summary['images_per_second']:.0f} per second) -> {out}"
    )
