"""Evaluate a finished run on labelled images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from mixednoise.data.checks import Problem, Report, check_files, set_aside_unusable
from mixednoise.data.readers import read_for_model
from mixednoise.data.report import counted, examples
from mixednoise.data.table import SPLITS, Dataset
from mixednoise.errors import ConfigError, DataError
from mixednoise.estimator import Estimator, load
from mixednoise.methods.base import FloatArray
from mixednoise.progress import Progress
from mixednoise.workflow.finish import evaluate_probabilities


def evaluate_run(
    run: Path | str, data: Path | str, *, split: str, progress: Progress, **reader: Any
) -> dict[str, Any]:
    """Metrics of last and best epoch on one split of a data set.

    Args:
        run: run folder or model file.
        data: labelled data; its labels must be classes of the model.
        split: train, val, test, or all.
        progress: bars and lines.
        reader: further arguments of :func:`mixednoise.data.readers.read_for_model`.

    Returns:
        ``metrics.json``'s ``split, last, best, intervals, per_class, confusion``, and ``images``
        (how many were evaluated), ``unreadable`` (those of the split that could not be decoded)
        and ``set_aside`` (rows of all splits without a label or a file).

    Raises:
        RunError: no finished run.
        DataError: no image in that split, a label that the model does not know.
        ConfigError: no such split name.
    """
    if split not in (*SPLITS, "all"):
        raise ConfigError(
            f"there is no split {split!r}",
            expected="train, val, test or all",
            found=split,
            fix="choose one of these with --split",
        )
    model = load(run)
    dataset = read_for_model(data, model.classes_, **reader)
    report = check_files(dataset)
    report.raise_if_stopped()
    report.tell(progress)
    dataset = set_aside_unusable(dataset, report)
    aside = dataset.set_aside
    dataset = _in_split(dataset, Path(run), split, progress)
    results: dict[str, dict[str, Any]] = {}
    unreadable: dict[str, str] = {}
    for weights in ("last", "best"):
        labels, groups, p, failed = _predict(model, dataset, weights, progress)
        unreadable |= failed
        results[weights] = evaluate_probabilities(
            labels, p, class_names=model.classes_, ordinal=model.ordinal_, groups=groups
        )
    if unreadable:
        _unreadable(unreadable, len(dataset)).tell(progress)
    return {
        "split": split,
        "images": len(dataset) - len(unreadable),
        "unreadable": [{"id": k, "reason": v} for k, v in unreadable.items()],
        "set_aside": aside[["id", "reason"]].to_dict("records"),
        "last": results["last"]["metrics"],
        "best": results["best"]["metrics"],
        **{
            key: {weights: results[weights][key] for weights in results}
            for key in ("intervals", "per_class", "confusion")
        },
    }


def _unreadable(reasons: dict[str, str], total: int) -> Report:
    everything = len(reasons) == total
    return Report(
        [
            Problem(
                "stop" if everything else "warn",
                f"{counted(len(reasons), 'image')} of {total:,} can't be read",
                expected="whole JPEG, PNG, TIFF, BMP or DICOM files",
                found=examples(f"{name}: {reason}" for name, reason in reasons.items()),
                fix="copy the files again"
                if everything
                else "left out of the figures; to count them, copy the files again",
            )
        ]
    )


def _in_split(dataset: Dataset, run: Path, split: str, progress: Progress) -> Dataset:
    """Rows of one split; data without splits takes those that training made."""
    if split == "all":
        return dataset
    if dataset.table["split"].isna().all() and (run / "splits.csv").exists():
        made = pd.read_csv(run / "splits.csv", dtype="string", keep_default_na=False)
        home = made.set_index("id")["split"]
        table = dataset.table.assign(split=dataset.table["id"].map(home).astype("string"))
        unknown = int(table["split"].isna().sum())
        if 0 < unknown < len(table):
            progress.warning(
                f"left out: {counted(unknown, 'image')} that training has in no split; "
                "--split all takes every image"
            )
        dataset = Dataset(
            table, dataset.class_names, dataset.source, dataset.arrays, dataset.set_aside,
            dataset.ordinal,
        )  # fmt: skip
    rows = np.flatnonzero((dataset.table["split"] == split).fillna(False).to_numpy(bool))
    if len(rows) == 0:
        there = sorted(dataset.table["split"].dropna().unique())
        raise DataError(
            f"no image is in split {split!r}",
            expected=f"rows with split {split}",
            found=", ".join(there) if there else "data without splits that this run never saw",
            fix="choose another --split, or --split all for every row",
        )
    return dataset.subset(rows)


def _predict(
    model: Estimator, dataset: Dataset, weights: str, progress: Progress
) -> tuple[np.ndarray[Any, Any], pd.Series, FloatArray, dict[str, str]]:
    """Labels, patients, probabilities and unreadable images of the rows that could be read."""
    blocks = list(
        model.predict_stream(model.image_batches(dataset), weights=weights, progress=progress)
    )
    failed = {name: reason for block in blocks for name, reason in block.failures}
    kept = ~dataset.table["id"].isin(list(failed)).to_numpy(bool)
    p: FloatArray = np.concatenate([block.probabilities for block in blocks])
    if len(p) == 0:
        _unreadable(failed, len(dataset)).raise_if_stopped()
    return dataset.labels[kept], dataset.table["group"][kept], p, failed


def interval_tables(result: dict[str, Any]) -> list[Table]:
    """Tables for people: overall and per class, with 95 % intervals."""
    overall = Table(
        title=f"{'all splits' if result['split'] == 'all' else result['split'] + ' split'}, "
        f"{counted(result['images'], 'image')}",
        title_justify="left",
    )
    overall.add_column("metric")
    for which in ("last", "best"):
        overall.add_column(f"{which} epoch [95 %]", justify="right")
    for name in ("qwk", "accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "ece"):
        overall.add_row(name, *(_cell(result, which, name) for which in ("last", "best")))
    classes = Table(title="per class, last epoch", title_justify="left")
    for column in ("class", "sensitivity", "specificity", "auc", "f1", "images"):
        classes.add_column(column, justify="left" if column == "class" else "right")
    for name, values in result["per_class"]["last"].items():
        figures = (values[k] for k in ("sensitivity", "specificity", "auc", "f1"))
        cells = ["" if v is None or v != v else f"{v:.3f}" for v in figures]
        classes.add_row(name, *cells, str(values["support"]))
    return [overall, classes]


def _cell(result: dict[str, Any], which: str, name: str) -> str:
    value = result[which][name]
    if value is None or value != value:
        return ""
    low, high = result["intervals"][which][name]
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
