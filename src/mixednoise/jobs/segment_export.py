"""Corrected masks of a run, or of a search for errors, for other tools."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, RunError
from mixednoise.jobs.judged.again import judged_again
from mixednoise.jobs.judged.judged import ORIGIN, Judged
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import CaseSet
from mixednoise.segmentation.cases.apart import folders_of, must_be_apart
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.export import (
    ExportSummary,
    write_corrected,
    write_nnunet,
    write_soft,
)
from mixednoise.segmentation.export.corrections import Correction
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.stages.judged import JudgedSource, how_to_judge, was_judged
from mixednoise.segmentation.write_errors import SUMMARY

Format = Literal["masks", "soft", "nnunet"]


@dataclass(frozen=True)
class _Judgement:
    """What is exported.

    Attributes:
        cases: all, also those that nobody has judged.
        corrections: of those that were judged, read once.
        left: how many cases nobody has judged, by split.
    """

    cases: CaseSet
    corrections: Iterator[Correction]
    left: Mapping[str, int]


def export_masks(
    result: Path,
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
    """Write what error maps say about their masks.

    Args:
        result: run folder past its error maps, or a result of ``segment errors``.
        to: ``masks`` = corrected ones; ``soft`` = smoothed targets; ``nnunet`` = raw data whose
            suspected pixels have the label ``ignore``.
        out: folder to be.
        epsilon, towards, form: of ``soft``; ``towards`` is ``class`` or ``probabilities``.
        dataset_number, dataset_name: of ``nnunet``.
        overwrite: replace an earlier export.
        progress: a bar.

    Returns:
        ``to, folder, cases, pixels, flagged, changed``, and ``not_exported``: cases that nobody has
        judged (for nnunet but those of test).

    Raises:
        RunError: no such result, or one without error maps; or ``out`` holds something.
        ConfigError, DataError, TrainingError: as the writers of :mod:`mixednoise.segmentation`.
    """
    if to not in get_args(Format):
        raise ConfigError(
            f"there is no format {to!r}",
            expected=", ".join(get_args(Format)),
            found=to,
            fix="choose one of these with --to",
        )
    wanted = to == "soft" and towards == "probabilities"
    found = (
        _of_errors(result, wanted, progress)
        if (result / ORIGIN).exists()
        else _of_run(result, wanted, progress)
    )
    cases = found.cases
    if to == "nnunet" and not all(case.images for case in cases.cases):
        raise RunError(
            f"{result} does not know the images of all masks",
            expected="an image for every mask, which nnU-Net learns from",
            found=examples([case.name for case in cases.cases if not case.images]),
            fix="find the errors again with --images FOLDER, or choose --to masks",
        )
    must_be_apart(out, folders_of(cases))
    common: dict[str, Any] = {"overwrite": overwrite, "progress": progress}
    if to == "masks":
        summary = write_corrected(cases, found.corrections, out, **common)
    elif to == "soft":
        summary = write_soft(
            cases,
            found.corrections,
            out,
            epsilon=epsilon,
            use_probabilities=towards == "probabilities",
            form=form,
            **common,
        )
    else:
        summary = write_nnunet(
            cases, found.corrections, out, number=dataset_number, name=dataset_name, **common
        )
    return _told(found.left, to, summary, progress)


def _of_run(run: Path, probabilities: bool, progress: Progress) -> _Judgement:
    stage = reopen(run, progress=progress)
    if not was_judged(stage):
        raise RunError(
            f"{run} has no error maps",
            expected="a run of method confident that got past its error maps, or a result of "
            "`mixednoise segment errors`",
            found=f"a run of method {stage.config.method}"
            + ("" if stage.folds is None else " that was stopped before"),
            fix=how_to_judge(stage.config.method),
        )
    source = JudgedSource(stage)
    return _Judgement(
        stage.prepared.cases,
        (source.correction(i, probabilities=probabilities) for i in range(len(source))),
        {split: len(stage.prepared.rows(split)) for split in ("val", "test")},
    )


def _of_errors(folder: Path, probabilities: bool, progress: Progress) -> _Judgement:
    judged = judged_again(folder, progress)
    cases = judged.cases()
    told = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    # Masks that could not be read have no map.
    rows = [row for row, name in enumerate(judged.source.names) if name not in told["set_aside"]]
    maps = {row: _map(folder, judged, judged.source.names[row]) for row in rows}

    def corrections() -> Iterator[Correction]:
        for row, place in maps.items():
            mask, values = judged.source.read(row)
            flagged = np.asarray(read_values(place)[0] > 0)
            proposed = values.argmax(axis=0).astype(np.uint8)
            kept = values if probabilities else None
            yield Correction(judged.source.names[row], mask, flagged, proposed, kept)

    judged_names = {judged.source.names[row] for row in maps}
    unjudged = [case.split or "train" for case in cases.cases if case.name not in judged_names]
    return _Judgement(cases, corrections(), Counter(unjudged))


def _map(folder: Path, judged: Judged, name: str) -> Path:
    """The error map of a mask: in its own format, or as PNG or npy."""
    endings = (judged.endings[name], ".png", ".npy")
    place = next((p for e in endings if (p := folder / f"{name}{e}").exists()), None)
    if place is None:
        raise RunError(
            f"there is no error map of {name}",
            expected=" or ".join(f"{name}{ending}" for ending in dict.fromkeys(endings)),
            found=f"none in {folder}",
            fix="find the errors again",
        )
    return place


def _told(
    unjudged: Mapping[str, int], to: Format, summary: ExportSummary, progress: Progress
) -> dict[str, Any]:
    # Test cases go to nnU-Net as they are.
    some = {s: n for s, n in unjudged.items() if n and not (to == "nnunet" and s == "test")}
    left = sum(some.values())
    if left:
        progress.message(
            f"not exported: {counted(left, 'case')} of {' and '.join(some)}, whose masks "
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
