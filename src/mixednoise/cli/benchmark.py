"""``mixednoise benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.training_options import AS_METHOD, Training, with_training_options


@with_training_options
def benchmark(
    matrix: Annotated[
        Path, typer.Argument(metavar="MATRIX", help="TOML file: data, noise, methods, seeds.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for runs, rows and tables.")],
    root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where relative paths of data start. Default: beside MATRIX.",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Runs at a time; they share the cores of the CPU."),
    ] = 1,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Run cells with TEXT in data/noise/method/seed alone; may be repeated.",
        ),
    ] = None,
    rows: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="rows.csv of another day or machine: what stands there with the same command is "
            "not run again; may be repeated.",
        ),
    ] = None,
    judge: Annotated[
        str,
        typer.Option(
            metavar="SPLIT",
            help="test or val: whose figures table.md shows. Choose options by val.",
        ),
    ] = "test",
    dry: Annotated[
        bool, typer.Option("--dry", help="Run nothing: rows, table and picture of what is there.")
    ] = False,
    training: Training = AS_METHOD,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Repeat runs whose command has changed since."),
    ] = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare methods on data with noise, seed by seed; finished runs are never repeated.

    Leaves in DIR: rows.csv (a row per run, with the command that repeats it), table.md,
    comparison.png, a run folder per cell in runs/, the noisy data in data/, logs/. The same command
    goes on where it was stopped. Options of training given here hold for every run.

    [bold]Example:[/] mixednoise benchmark matrix.toml --out runs/matrix --jobs 2
    """
    from mixednoise.benchmark.matrix import judged_by
    from mixednoise.benchmark.run import run_benchmark
    from mixednoise.cli.show import answer
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    split = judged_by(judge)
    try:
        outcome = run_benchmark(
            matrix,
            out,
            root=root,
            jobs=jobs,
            options=training,
            only=only or (),
            rows=rows or (),
            judge=split,
            overwrite=overwrite,
            dry=dry,
            progress=progress,
        )
    except KeyboardInterrupt as stop:
        stop.add_note(f"{out} keeps every finished epoch; the same command goes on")
        raise
    if as_json:
        answer({"rows": outcome.rows.to_dict("records")}, [], as_json=True)
    elif outcome.table:
        typer.echo(outcome.table)
    progress.message(f"rows, table and picture: {out}")
    if outcome.busy:
        progress.message(f"run by another process: {', '.join(outcome.busy)}")
    for name, log in outcome.failed.items():
        progress.warning(f"{name} failed:\n{log}")
    if outcome.failed:
        raise typer.Exit(1)
