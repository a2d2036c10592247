"""Evaluate a finished run on labelled images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table

from mixednoise.data.checks import Problem, Report, check_files, set_aside_unusable
from mixednoise.data.readers import read_for_model
from mixednoise.data.report import counted, examples
from mixednoise.data.table import SPLITS, Dataset
from mixednoise.data.unreadable import remedy
from mixednoise.errors import ConfigError, DataError
from mixednoise.estimator import Estimator
from mixednoise.loading import load
from mixednoise.methods.base import FloatArray
from mixednoise.progress import Progress
from mixednoise.training.devices import choose_device
from mixednoise.workflow.finish import evaluate_probabilities
from mixednoise.workflow.prediction import predict_batches


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
    probabilities, unreadable = _predict(model, dataset, progress)
    readable = ~dataset.table["id"].isin(list(unreadable)).to_numpy(bool)
    results = {
        weights: evaluate_probabilities(
            dataset.labels[readable],
            p,
            class_names=model.classes_,
            ordinal=model.ordinal_,
            groups=dataset.table["group"][readable],
        )
        for weights, p in probabilities.items()
    }
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
    everything, fix = len(reasons) == total, remedy(reasons.values())
    return Report(
        [
            Problem(
                "stop" if everything else "warn",
                f"{counted(len(reasons), 'image')} of {total:,} can't be read",
                expected="whole JPEG, PNG, TIFF, BMP or DICOM files",
                found=examples(f"{name}: {reason}" for name, reason in reasons.items()),
                fix=fix if everything else f"left out of the figures; to count them, {fix}",
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
        dataset = replace(dataset, table=table)
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
    model: Estimator, dataset: Dataset, progress: Progress
) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """Probabilities of last and best networks for what can be read, and why the rest can't."""
    ensembles = {"last": model.networks_, "best": model.best_networks_}
    device = choose_device(model.config_.device)
    passed = list(
        predict_batches(list(ensembles.values()), model.image_batches(dataset), device, progress)
    )
    failed = {name: reason for block, *_ in passed for name, reason in block.failures}
    if len(failed) == len(dataset):
        _unreadable(failed, len(dataset)).raise_if_stopped()
    probabilities: dict[str, FloatArray] = {
        weights: np.concatenate([block.probabilities for block in blocks])
        for weights, blocks in zip(ensembles, zip(*passed, strict=True), strict=True)
    }
    return probabilities, failed


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
        if name != "qwk" or result["last"]["qwk_meaningful"]:
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
