"""``mixednoise segment evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.segment import shared


@shared.with_reference_options
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of segment train.")],
    source: shared.Source,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="train, val, test, or all.", rich_help_panel=o.DATA)
    ] = "all",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the metrics into this JSON file, too."),
    ] = None,
    device: o.Device = "auto",
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Score the student of a run, last and best epoch, on masks known to be right.

    Dice, and HD95 and ASSD (in mm where the files tell the spacing, else in pixels), per class,
    with 95 % intervals by patient. Names and values of the classes are those of the run.

    [bold]Example:[/] mixednoise segment evaluate runs/masks --images new_images --masks checked
    --out metrics.json
    """
    from mixednoise.cli.segment.show import scores_table
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.io import must_not_exist, write_json
    from mixednoise.jobs.segment_evaluate import evaluate_masks
    from mixednoise.progress import default_progress

    if out is not None:
        must_not_exist(out, overwrite=overwrite)
    result = evaluate_masks(
        run, source, split=split, device=device, progress=default_progress(quiet)
    )
    where = "" if split == "all" else f" of split {split}"
    networks = {name: result[name] for name in ("last", "best") if result[name]}
    title = f"{counted(result['cases'], 'case')}{where}, mean [95 %]"
    # The answer first: a disk that is full by now shall not cost it.
    answer(result, [scores_table(title, networks)], as_json=as_json)
    if out is not None:
        write_json(out, result)
