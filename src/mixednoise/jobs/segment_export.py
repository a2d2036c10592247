"""Corrected masks of a run for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from mixednoise.data.report import counted
from mixednoise.errors import ConfigError, RunError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.apart import folders_of, must_be_apart
from mixednoise.segmentation.export import (
    ExportSummary,
    write_corrected,
    write_nnunet,
    write_soft,
)
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.judged import JudgedSource, was_judged

Format = Literal["masks", "soft", "nnunet"]


def export_run(
    run: Path,
    to: Format,
    out: Path,
    *,
    epsilon: float = 0.8,
    towards: str = "class",
    form: Any = "float",
    dataset_number: int = 1,
    dataset_name: str = "Corrected",
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Write what the error maps of a run say about its masks.

    Args:
        run: run folder, past its error maps.
        to: ``masks`` = corrected ones; ``soft`` = smoothed targets; ``nnunet`` = raw data whose
            suspected pixels have the label ``ignore``.
        out: folder to be.
        epsilon, towards, form: of ``soft``; ``towards`` is ``class`` or ``probabilities``.
        dataset_number, dataset_name: of ``nnunet``.
        overwrite: replace an earlier export.
        progress: a bar.

    Returns:
        ``to, folder, cases, pixels, flagged, changed``, and ``not_exported``: cases of validation
        (and for masks and soft of test), which nobody has judged.

    Raises:
        RunError: no such run, or one without error maps; or ``out`` holds something.
        ConfigError, DataError, TrainingError: as the writers of :mod:`mixednoise.segmentation`.
    """
    if to not in get_args(Format):
        raise ConfigError(
            f"there is no format {to!r}",
            expected=", ".join(get_args(Format)),
            found=to,
            fix="choose one of these with --to",
        )
    stage = reopen(run, progress=progress)
    if not was_judged(stage):
        raise RunError(
            f"{run} has no error maps",
            expected="a run of method confident that got past its error maps",
            found=f"a run of method {stage.config.method}"
            + ("" if stage.folds is None else " that was stopped before"),
            fix="go on with the same `mixednoise segment train` command and --resume",
        )
    cases = stage.prepared.cases
    must_be_apart(out, folders_of(cases))
    source, wanted = JudgedSource(stage), to == "soft" and towards == "probabilities"
    found = (source.correction(i, probabilities=wanted) for i in range(len(source)))
    if to == "masks":
        summary = write_corrected(cases, found, out, overwrite=overwrite, progress=progress)
    elif to == "soft":
        summary = write_soft(
            cases,
            found,
            out,
            epsilon=epsilon,
            use_probabilities=towards == "probabilities",
            form=form,
            overwrite=overwrite,
            progress=progress,
        )
    else:
        summary = write_nnunet(
            cases,
            found,
            out,
            number=dataset_number,
            name=dataset_name,
            overwrite=overwrite,
            progress=progress,
        )
    return _told(stage, to, summary, progress)


def _told(stage: Stage, to: Format, summary: ExportSummary, progress: Progress) -> dict[str, Any]:
    unjudged = ("val",) if to == "nnunet" else ("val", "test")
    left = sum(len(stage.prepared.rows(split)) for split in unjudged)
    if left:
        progress.message(
            f"not exported: {counted(left, 'case')} of {' and '.join(unjudged)}, whose masks "
            "nobody has judged"
        )
    return {
        "to": to,
        "folder": str(summary.folder),
        "cases": summary.cases,
        "pixels": summary.pixels,
        "flagged": summary.flagged,
        "changed": summary.changed,
        "not_exported": left,
    }
