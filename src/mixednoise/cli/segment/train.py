"""``mixednoise segment train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mixednoise.cli import options as o
from mixednoise.cli.guard import tells_how_to_go_on
from mixednoise.cli.segment import shared

if TYPE_CHECKING:
    from mixednoise.progress import Progress

Stage = Literal["teachers", "errors", "student", "report"]


@shared.with_case_options
@shared.with_learning_options
def train(
    out: o.RunFolder,
    source: shared.Source,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="confident (teachers, error maps, student), or a baseline: cross_entropy or "
            "pick_and_learn.",
            rich_help_panel=o.MODEL,
        ),
    ] = "confident",
    learning: shared.Learning = shared.AS_PRESET,
    seed: o.Seed = 0,
    until: Annotated[
        Stage,
        typer.Option(
            metavar="STAGE",
            help="The last stage to do: teachers, errors, student or report; later, the same "
            "command with --resume goes on.",
        ),
    ] = "report",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in RUN where it stopped.")
    ] = False,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a segmenter that is better than the masks it is given, and find their wrong pixels.

    Teachers learn from one part of the cases and judge the masks of the other; where they
    contradict a mask, its pixels are suspected, and the student learns less from them.

    Leaves in RUN: student.safetensors, error_maps/ (255 = suspected, images.csv worst mask first,
    components.csv every suspected region, summary.json), probabilities/, folds.csv, cases.csv,
    metrics.json, report.html, config.yaml, set_aside.csv, round_1/ (the teachers) and student/
    (history, checkpoints).

    Stage by stage: --until teachers, then --resume --until errors, then --resume.

    [bold]Example:[/] mixednoise segment train --images images --masks masks --out runs/masks
    --groups patients.csv --test-fraction 0.2
    """
    from mixednoise.cli.segment.show import train_tables
    from mixednoise.cli.show import answer
    from mixednoise.jobs.segment_train import Begun, train_segmenter
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    options = {"method": method, "seed": seed, **learning}
    preset = options.pop("preset", "default")
    begun = Begun(out, resume=resume)
    with tells_how_to_go_on(out, lambda: bool(begun)):
        result = train_segmenter(
            source,
            out,
            preset=preset,
            options=options,
            until=until,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )
    answer(result, train_tables(result), as_json=as_json)
    _tell_what_is_next(result, out, progress)


def _tell_what_is_next(result: dict[str, Any], out: Path, progress: Progress) -> None:
    """Where everything is, and the command that follows."""
    until, metrics = result["until"], result["metrics"]
    if metrics is not None and metrics["split"] is None:
        progress.message("no scores: without test cases there is nothing to measure the student on "
                         "(--test-fraction 0.2, or a split of your own)")  # fmt: skip
    if result["errors"] is not None:
        progress.message(f"error maps: {out / 'error_maps'}  (images.csv: the worst mask first)")
        if (out / "report.html").exists():
            progress.message(f"report: {out / 'report.html'}")
    following = {
        "teachers": "the same command with --resume --until errors",
        "errors": "the same command with --resume, for the student",
        "student": "the same command with --resume, to evaluate it",
    }
    if until in following:
        progress.message(f"run folder: {out}; next: {following[until]}")
        return
    progress.message(f"student: {out / 'student.safetensors'}")
    progress.message(f"next: mixednoise segment predict {out} IMAGES --out predicted")
