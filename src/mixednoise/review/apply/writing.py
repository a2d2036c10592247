"""Writing a corrected labels file, read back before it takes its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError, RunError
from mixednoise.io import atomic_write
from mixednoise.review.apply.labels import Corrected
from mixednoise.review.apply.log import changes_file, excluded_file


def write_labels(
    out: Path, corrected: Corrected, changes: pd.DataFrame, classes: Sequence[str], *, ordinal: bool
) -> dict[str, Any]:
    """Write ``out``, its change log and, where samples were left out, their rows.

    Args:
        out: the labels file.
        corrected: its rows.
        changes: the change log.
        classes: all classes in order.
        ordinal: whether they are grades.

    Returns:
        The keyword arguments of :func:`mixednoise.read_dataset` that read the file as it is meant;
        mostly none.

    Raises:
        RunError: the file would not be read as it is meant.
        TrainingError: the disk is full or read-only.
    """
    left_out = excluded_file(out)
    with atomic_write(changes_file(out)) as log:
        changes.to_csv(log, index=False)
        with atomic_write(out) as file:
            corrected.kept.to_csv(file, index=False)
            reading = _read_back(file, corrected, classes, ordinal=ordinal)
            if len(corrected.excluded):
                with atomic_write(left_out) as rest:
                    corrected.excluded.to_csv(rest, index=False)
    if not len(corrected.excluded):
        left_out.unlink(missing_ok=True)
    return reading


def _read_back(
    file: Path, corrected: Corrected, classes: Sequence[str], *, ordinal: bool
) -> dict[str, Any]:
    """The fewest options with which the file is read as it is meant."""
    options: dict[str, Any] = {}
    if corrected.weight_column:
        options["weight_column"] = corrected.weight_column
    used = {*corrected.kept["label"], *corrected.kept.get("true_label", ())} - {""}
    named = {
        "class_names": [*(name for name in classes if name in used), *sorted(used - set(classes))],
        "ordinal": ordinal,
    }
    group = {"group_column": corrected.group_column} if corrected.group_column else {}
    found = ""
    for more in ({}, group, named, group | named):
        try:
            dataset = read_dataset(file, **options, **more)
        except DataError as error:
            found = str(error)
            continue
        found = _difference(dataset, corrected, named)
        if not found:
            return options | more
    raise RunError(
        "the corrected labels would not be read as they are meant",
        expected="labels, splits and patients as they were decided",
        found=found,
        fix="report this, with the labels file; nothing was written",
    )


def _difference(read: Dataset, corrected: Corrected, named: Mapping[str, Any]) -> str:
    """In what a data set that was read differs from what was written; '' = in nothing."""
    kept, table = corrected.kept, read.table
    names = np.array([*read.class_names, ""], dtype=object)
    meant: dict[str, tuple[Sequence[Any], Sequence[Any]]] = {
        "image": (table["id"].tolist(), kept["image"].tolist()),
        "label": (names[read.labels].tolist(), kept["label"].tolist()),
    }
    for part, column in (
        *(("split", "split"), ("group", corrected.group_column), ("noise_group", "noise_group")),
    ):
        cells = table[part].fillna("").tolist()
        meant[part] = (cells, kept[column].tolist() if column in kept else [""] * len(kept))
    if "true_label" in kept:
        meant["true_label"] = (names[table["true_label"]].tolist(), kept["true_label"].tolist())
    if corrected.weight_column:
        weights = pd.to_numeric(kept[corrected.weight_column]).fillna(1.0)
        meant["weight"] = (table["weight"].tolist(), weights.tolist())
    for part, (there, wanted) in meant.items():
        if there != wanted:
            return f"another {part} than was written"
    if read.ordinal != named["ordinal"]:
        return "grades taken for names, or names for grades"
    if read.ordinal and list(read.class_names) != named["class_names"]:
        return "grades in another order"
    return ""
