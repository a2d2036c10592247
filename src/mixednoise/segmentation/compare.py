"""Students and baselines side by side: the same cases, networks, windows and epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.errors import ConfigError
from mixednoise.evaluation.paired import compare_methods
from mixednoise.io import write_csv, write_json
from mixednoise.progress import Progress
from mixednoise.segmentation.case_file import read_case_file, with_masks_of_truth
from mixednoise.segmentation.cases import CaseSet
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.pipeline import run_stages
from mixednoise.segmentation.run import SegmentationRun

#: What differs from the options given, by name; ``clean`` learns from the true masks.
METHODS: dict[str, dict[str, Any]] = {
    "cross_entropy": {"method": "cross_entropy"},
    "pick_and_learn": {"method": "pick_and_learn"},
    "cl": {"method": "confident", "targets": "hard"},
    "cl_slsr": {"method": "confident", "targets": "slsr"},
    "cl_soft": {"method": "confident", "targets": "soft"},
    "cl_ignore": {"method": "confident", "targets": "ignore"},
    "cl_weight": {"method": "confident", "targets": "weight"},
    "clean": {"method": "cross_entropy"},
}
USUAL = ("cross_entropy", "pick_and_learn", "cl", "cl_slsr", "clean")
BASELINE = "cross_entropy"
SEED = 43


@dataclass(frozen=True)
class Comparison:
    """What was measured.

    Attributes:
        table: a row per method and foreground class (and over all): mean and spread of Dice, HD95
            and ASSD over the test cases, seconds of training.
        paired: each method against plain cross-entropy, Dice per case.
        metrics: ``metrics.json`` of every method.
    """

    table: pd.DataFrame
    paired: pd.DataFrame | None
    metrics: dict[str, dict[str, Any]]


def compare(
    cases: CaseSet,
    config: SegmentationConfig,
    out: Path,
    *,
    methods: Sequence[str] = USUAL,
    preset: str = "default",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Train every method into ``out/METHOD``; methods with teachers share them.

    Args:
        cases: with a test split (or a ``test_fraction``); with true masks for ``clean`` and for
            scores that mean something.
        config: the options that all share.
        out: folder of the runs, ``comparison.csv``, ``paired.csv`` and ``comparison.json``.
        methods: names of :data:`METHODS`.
        preset, resume, overwrite, progress: as for training.

    Raises:
        ConfigError: an unknown method.
        DataError, RunError, TrainingError: as for training.
    """
    check_methods(methods)
    metrics: dict[str, dict[str, Any]] = {}
    judgement: SegmentationRun | None = None
    for name in methods:
        own = config.model_copy(update=METHODS[name])
        run = SegmentationRun(out / name)
        finished = resume and run.metrics.exists()
        learned = with_masks_of_truth(_split(cases, out, methods)) if name == "clean" else cases
        shares = own.method == "confident"
        if progress is not None:
            progress.message(f"{name}: {'finished before' if finished else 'training'}")
        _, found = run_stages(
            learned,
            own,
            run.path,
            preset=preset,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
            judgement=judgement if shares else None,
        )
        metrics[name] = found or {}
        if shares and judgement is None:
            judgement = run
    table = _table(metrics)
    paired = _paired(out, methods, cases)
    write_csv(out / "comparison.csv", table)
    if paired is not None:
        write_csv(out / "paired.csv", paired)
    write_json(out / "comparison.json", metrics)
    return Comparison(table, paired, metrics)


def check_methods(methods: Sequence[str]) -> None:
    """Refuse a list of methods that can't be compared.

    Raises:
        ConfigError: an unknown one, one twice, or none.
    """
    unknown = [name for name in methods if name not in METHODS]
    if unknown or not methods:
        raise ConfigError(
            f"there is no method {unknown[0]!r}" if unknown else "no method to compare",
            expected=", ".join(METHODS),
            found=", ".join(methods) or "nothing",
            fix="choose some of these with --methods",
        )
    twice = [name for name in methods if methods.count(name) > 1]
    if twice:
        raise ConfigError(
            f"method {twice[0]} is named twice",
            expected="each method once",
            found=", ".join(methods),
            fix="take it out of --methods once",
        )


def _split(cases: CaseSet, out: Path, methods: Sequence[str]) -> CaseSet:
    """The cases with the splits that the first method has settled."""
    file = SegmentationRun(out / methods[0]).case_file
    if not file.exists():
        return cases
    splits = {case.name: case.split for case in read_case_file(file).cases}
    kept = [replace(c, split=splits.get(c.name, c.split)) for c in cases.cases if c.name in splits]
    return replace(cases, cases=tuple(kept))


def _table(metrics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, found in metrics.items():
        for epoch in ("last", "best"):
            scores = found.get(epoch)
            if not scores:
                continue
            for class_name, numbers in [*scores["per_class"].items(), ("all", scores["macro"])]:
                row: dict[str, Any] = {"method": name, "epoch": epoch, "class": class_name}
                for metric in ("dice", "hd95", "assd"):
                    row[metric] = numbers[metric]["mean"]
                    row[f"{metric}_sd"] = numbers[metric]["sd"]
                rows.append({**row, "seconds": found["seconds"]})
    return pd.DataFrame(rows)


def _paired(out: Path, methods: Sequence[str], cases: CaseSet) -> pd.DataFrame | None:
    """Dice per case of every method against the baseline's."""
    scores = {}
    for name in methods:
        path = SegmentationRun(out / name).test_scores
        if path.exists():
            table = pd.read_csv(path, dtype={"name": str})
            scores[name] = table.groupby("name", sort=False)["dice"].mean()
    if BASELINE not in scores or len(scores) < 2:
        return None
    groups = {case.name: case.group for case in cases.cases}
    return compare_methods(scores, BASELINE, rng=np.random.default_rng(SEED), groups=groups)
