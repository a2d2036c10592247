"""The rows of a corrected labels file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.table import Dataset
from mixednoise.review.apply.placing import image_values
from mixednoise.review.apply.plan import AUDIT, Ruling

WEIGHT = "sample_weight"
#: Columns of ours; those of the user's that have these names give way.
OURS = (
    *("image", "label", "split", "quality", "original_label", "decision"),
    *("true_label", "noise_group", "id"),
)

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Corrected:
    """A corrected labels file to be.

    Attributes:
        kept: rows that can be learned from, columns as in the file.
        excluded: those that are left out, the same columns.
        group_column: the column of patients, '' = none.
        weight_column: the column of sample weights, '' = none.
    """

    kept: pd.DataFrame
    excluded: pd.DataFrame
    group_column: str
    weight_column: str


def correct_labels(
    dataset: Dataset,
    rulings: Mapping[str, Ruling],
    *,
    folder: Path,
    other: pd.DataFrame,
    weights: Floats | None = None,
) -> Corrected:
    """The rows of a data set with the labels of the rulings.

    ``image,label,split``, the column of patients, ``quality``, ``original_label,decision``,
    ``sample_weight``, ``true_label,noise_group``, ``id`` where ``image`` is another value than in
    the user's own file, then the user's other columns. Columns of which nothing is known are left
    out.

    Args:
        dataset: in the order of its source.
        rulings: id -> ruling; samples without one stay as they are.
        folder: in which the file will lie.
        other: the user's own columns, by id.
        weights: sample weights (N,); None = no such column.
    """
    source, ids = dataset.table, dataset.table["id"].tolist()
    own = [rulings.get(name) for name in ids]
    given = [dataset.class_names[code] for code in dataset.labels]
    label = [
        one.label if one is not None and one.label else old
        for one, old in zip(own, given, strict=True)
    ]
    values = image_values(ids, source["path"].tolist(), folder)
    columns: dict[str, Sequence[Any]] = {"image": values, "label": label}
    split = splits_of(dataset, own)
    if any(split):
        columns["split"] = split
    group_column = _group_name(dataset.group_column) if source["group"].notna().any() else ""
    if group_column:
        columns[group_column] = _text(source["group"])
    if source["quality"].notna().any():
        columns["quality"] = _text(source["quality"])
    columns["original_label"] = given
    columns["decision"] = ["" if one is None else one.action for one in own]
    if weights is not None:
        columns[WEIGHT] = weights.tolist()
    columns |= _truth(dataset, given, label)
    if values != ids:
        columns["id"] = ids
    taken = {name.casefold() for name in (*OURS, *columns)}
    for name in other.columns:
        if name.casefold() not in taken:
            columns[name] = _text(other[name].reindex(ids))
    weight_column = WEIGHT if weights is not None else dataset.weight_column
    if weight_column and weight_column not in columns:
        weight_column, columns[WEIGHT] = WEIGHT, source["weight"].tolist()
    table = pd.DataFrame(columns)
    out = (table["decision"] == "exclude").to_numpy(bool)
    kept, excluded = (table[rows].reset_index(drop=True) for rows in (~out, out))
    return Corrected(kept, excluded, group_column, weight_column)


def splits_of(dataset: Dataset, own: Sequence[Ruling | None]) -> list[str]:
    """The split of each row as the audit had it; '' = none.

    An audit that judged all images of a data set without splits has no splits to be kept: they
    would leave nothing to test on.
    """
    told = _text(dataset.table["split"])
    judged = {one.split for one in own if one is not None}
    if not any(told) and len(judged) < 2:
        return told
    return [old if one is None else one.split for one, old in zip(own, told, strict=True)]


def sample_weights(dataset: Dataset, rulings: Mapping[str, Ruling], table: pd.DataFrame) -> Floats:
    """How much each training image may teach, float64 (N,): 1 where somebody has looked at it.

    Where nobody has (or was sure), the audit's ``label_quality``; where the audit itself has
    renamed, how sure it was of that (``p_mis_h``). Times the user's own weight. 1 in validation and
    test.

    Args:
        dataset: N samples.
        rulings: id -> ruling.
        table: of the audit.
    """
    quality = dict(zip(table["id"], table["label_quality"].tolist(), strict=True))
    sure = dict(zip(table["id"], table["p_mis_h"].tolist(), strict=True))
    weights = np.ones(len(dataset))
    for row, name in enumerate(dataset.table["id"]):
        ruling = rulings.get(name)
        if ruling is None or ruling.split in ("val", "test"):
            continue
        if ruling.action == "relabel" and ruling.source == AUDIT:
            weights[row] = sure[name]
        elif ruling.action not in ("relabel", "keep"):
            weights[row] = quality[name]
    own = dataset.table["weight"].to_numpy(np.float64)
    # Six digits say enough, and a file that a person opens is easier to read.
    rounded: Floats = np.round(np.where(np.isnan(weights), 1.0, weights) * own, 6)
    return rounded


def weights_undecided(
    dataset: Dataset, rulings: Mapping[str, Ruling], table: pd.DataFrame
) -> dict[str, float]:
    """Id -> what :func:`sample_weights` would be had nobody decided: for the change log."""
    nobody = {name: replace(one, action="", source="") for name, one in rulings.items()}
    weights = sample_weights(dataset, nobody, table).tolist()
    return dict(zip(dataset.table["id"], weights, strict=True))


def _group_name(column: str) -> str:
    """The user's name of the column of patients, unless it means something else here."""
    return "patient" if column.casefold() in ("", *OURS, WEIGHT) else column


def _truth(
    dataset: Dataset, given: Sequence[str], label: Sequence[str]
) -> dict[str, Sequence[Any]]:
    """``true_label`` and ``noise_group`` where any of it is known, true of the new labels."""
    names = (*dataset.class_names, "")
    true = [names[code] for code in dataset.table["true_label"]]
    before = _text(dataset.table["noise_group"])
    rows = zip(before, true, given, label, strict=True)
    group = [was if new == old else _group(was, right, new) for was, right, old, new in rows]
    columns: dict[str, Sequence[Any]] = {"true_label": true, "noise_group": group}
    return {name: cells for name, cells in columns.items() if any(cells)}


def _group(before: str, true: str, label: str) -> str:
    """Of a label that was changed; an image that is degraded stays so, whatever it is called."""
    if before == "mis_l" or not true:
        return before if before == "mis_l" else ""
    return "correct" if label == true else "mis_h"


def _text(column: pd.Series[Any]) -> list[str]:
    return column.astype("string").fillna("").tolist()
