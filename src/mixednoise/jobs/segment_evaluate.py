"""Score the students of a run on images whose masks are known to be right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.jobs.segment_cases import CaseSource
from mixednoise.jobs.segment_model import WEIGHTS, TrainedSegmenter
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import CaseSet, check_cases, read_mask, set_aside
from mixednoise.segmentation.splits import SPLITS
from mixednoise.segmentation.stages.evaluation import intervals


def evaluate_masks(
    run: Path, source: CaseSource, *, split: str = "all", device: str = "auto", progress: Progress
) -> dict[str, Any]:
    """Dice, HD95 and ASSD of last and best epoch, with 95 % intervals by patient.

    Args:
        run: run folder.
        source: images and masks; the classes are those of the run.
        split: ``train``, ``val``, ``test``, or ``all``.
        device: where to compute.
        progress: bars and lines.

    Returns:
        ``split``; ``cases``; ``set_aside``: name and reason of those that could not be used;
        ``trained_on``: how many the run has learned from; ``last`` and ``best`` (None without
        validation in training): :meth:`.MaskEvaluator.summary` with ``intervals``.

    Raises:
        RunError: no finished run.
        DataError: cases that can't be used, or with other classes than the run's.
        ConfigError: no such split name.
    """
    if split not in (*SPLITS, "all"):
        raise ConfigError(
            f"there is no split {split!r}",
            expected="train, val, test or all",
            found=split,
            fix="choose one of these with --split",
        )
    model = TrainedSegmenter(run, WEIGHTS, device=device, optional=True)
    cases = _in_split(_with_classes_of(model.cases, source).read(progress), split)
    if cases.class_names != model.cases.class_names:
        raise DataError(
            "the masks have other classes than the run",
            expected=examples(model.cases.class_names, 12),
            found=examples(cases.class_names, 12),
            fix="name the classes as in training with --class-names, and their values with "
            "--label-values",
        )
    told = source.label_values is not None or source.nnunet is not None
    if model.cases.layout == "class_files" and cases.layout != "class_files" and not told:
        meant = zip(cases.label_values, cases.class_names, strict=True)
        progress.warning(
            "the run learned from a file per class, which have no values; those of these masks are "
            f"taken as {', '.join(f'{value} {name}' for value, name in meant)} (--label-values "
            "says it otherwise)"
        )
    if all(case.mask is None for case in cases.cases):
        raise DataError(
            "no image has a mask",
            expected="masks of the same names as the images",
            found=f"{counted(len(cases), 'image')}, such as {examples(cases.names, 3)}",
            fix="check --images and --masks",
        )
    report = check_cases(cases, progress=progress, allow_missing=True, allow_absent=True)
    report.raise_if_stopped()
    report.tell(progress)
    usable, aside = set_aside(cases, report)
    learned = {str(p) for c in model.cases.cases if c.split == "train" for p in c.images}
    known = [c.name for c in usable.cases if str(c.images[0].resolve()) in learned]
    if known:
        progress.warning(
            f"{counted(len(known), 'image')} of {len(usable):,} the run has learned from: their "
            f"scores say nothing about new images ({examples(known, 3)})"
        )
    scores = {name: MaskEvaluator(usable.class_names) for name in model.weights}
    for one in model.segment(usable.cases, progress):
        if one.picture is None:
            aside[one.case.name] = one.reason
            continue
        truth = read_mask(usable, one.case)
        for name, probabilities in one.probabilities.items():
            predicted = probabilities.argmax(axis=0).astype(np.uint8)
            scores[name].add(
                one.case.name,
                predicted,
                truth,
                spacing=one.picture.spacing,
                group=one.case.group,
            )
    if not len(scores["last"]):
        raise DataError(
            "none of the images can be segmented",
            expected="images as in training",
            found=examples(f"{name}: {reason}" for name, reason in aside.items()),
            fix="check the folder, and that it is the right run",
        )
    seed = model.config.seed
    found = {name: s.summary() | {"intervals": intervals(s, seed)} for name, s in scores.items()}
    return {
        "split": split,
        "cases": len(scores["last"]),
        "set_aside": [{"name": name, "reason": reason} for name, reason in aside.items()],
        "trained_on": len(known),
        "last": found["last"],
        "best": found.get("best"),
    }


def _with_classes_of(trained: CaseSet, source: CaseSource) -> CaseSource:
    """The source, with the run's classes where the user says nothing else."""
    if source.nnunet is not None:
        return source
    told = source.class_names is not None or source.label_values is not None
    values = None if told or trained.layout == "class_files" else trained.label_values
    return replace(
        source,
        class_names=source.class_names or trained.class_names,
        label_values=source.label_values or values,
        ignore_value=trained.ignore_value if source.ignore_value is None else source.ignore_value,
    )


def _in_split(cases: CaseSet, split: str) -> CaseSet:
    if split == "all":
        return cases
    rows = [row for row, case in enumerate(cases.cases) if case.split == split]
    if not rows:
        there = sorted({case.split for case in cases.cases if case.split})
        raise DataError(
            f"no case is in split {split!r}",
            expected=f"cases of split {split}: by --splits, or in a sub-folder {split}",
            found=", ".join(there) or "cases without a split",
            fix="choose another --split, or leave it away for every case",
        )
    return cases.subset(rows)
