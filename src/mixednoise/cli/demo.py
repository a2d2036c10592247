"""``mixednoise demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the results.")] = Path(
        "runs/demo"
    ),
    mis_h: Annotated[
        float,
        typer.Option(metavar="X", min=0, max=1, help="Share of training labels made wrong."),
    ] = 0.4,
    mis_l: Annotated[
        float,
        typer.Option(metavar="X", min=0, max=1, help="Share of training images made unreadable."),
    ] = 0.15,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """QMix beside plain cross-entropy on shipped fundus images with noise made on purpose.

    [bold]Example:[/] mixednoise demo --out runs/demo
    """
    from mixednoise.cli.show import answer, metrics_table
    from mixednoise.jobs.demo import run_demo
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    try:
        results = run_demo(
            out, mis_h=mis_h, mis_l=mis_l, seed=seed, overwrite=overwrite, progress=progress
        )
    except KeyboardInterrupt as stop:
        stop.add_note(f"{out} is not complete; the same command with --overwrite begins anew")
        raise
    answer(results, [metrics_table(results)], as_json=as_json)
    progress.message(
        f"pictures: {out / 'comparison.png'} and {out / 'qmix' / 'plots'}\n"
        f"verdict per image: {out / 'audit' / 'audit.csv'}\n"
        f"report: {out / 'audit' / 'report.html'}\n"
        f"next: mixednoise review {out / 'audit'}\n"
        f"your own data: mixednoise audit labels.csv --out audits/first"
    )
