"""``mixednoise segment compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.segment import shared


@shared.with_case_options
@shared.with_learning_options
def compare(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="New folder for a run per method and tables.")
    ],
    source: shared.Source,
    methods: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="cross_entropy (the masks as they are), pick_and_learn, cl (suspected pixels "
            "corrected), cl_slsr (smoothed), cl_soft, cl_ignore, cl_weight, clean (learns from "
            "--truth: the upper bound). Default: cross_entropy, pick_and_learn, cl, cl_slsr, "
            "clean.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    learning: shared.Learning = shared.AS_PRESET,
    seed: o.Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the comparison in --out.")
    ] = False,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Train baselines and students on the same masks and score all on the same test cases.

    Leaves in --out: a run folder per method, comparison.csv, paired.csv (each method against
    cross_entropy, Dice of the same cases, with 95 % intervals), comparison.json, report.html.
    Methods with teachers share them.

    [bold]Example:[/] mixednoise segment compare --images images --masks noisy --truth masks
    --test-fraction 0.2 --out runs/compared
    """
    from mixednoise.cli.segment.show import comparison_tables
    from mixednoise.cli.show import answer
    from mixednoise.errors import InputError
    from mixednoise.jobs.segment_compare import compare_methods
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    options = {"seed": seed, **learning}
    preset = options.pop("preset", "default")
    note = f"{out} keeps every finished epoch; go on with the same command and --resume"
    try:
        result = compare_methods(
            source,
            out,
            methods=o.class_names(methods),
            preset=preset,
            options=options,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )
    except InputError:
        raise  # says itself what to do
    except BaseException as stop:
        if out.is_dir():
            stop.add_note(note if isinstance(stop, KeyboardInterrupt) else f"  the runs: {note}")
        raise
    rows = result.table.to_dict("records")
    paired = [] if result.paired is None else result.paired.to_dict("records")
    answer(
        {"methods": result.metrics, "paired": paired},
        comparison_tables(rows, paired),
        as_json=as_json,
    )
    progress.message(f"runs and tables: {out}")
    if (out / "report.html").exists():
        progress.message(f"report: {out / 'report.html'}")
