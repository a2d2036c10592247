"""The data set as a table: one row per labelled image, whatever layout it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from mixednoise.errors import DataError

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
GROUPS = ("correct", "mis_h", "mis_l")

#: Columns of :attr:`Dataset.table`, with the meaning that every room relies on.
COLUMNS = {
    "id": "str, unique: the image value as the user's file gives it",
    "path": "str: absolute path of the image file, or '' where the pixels are in `arrays`",
    "array_index": "int64: row in `arrays`, or -1 where the pixels are in a file",
    "label": "int64: index into class_names, the GIVEN (maybe wrong) label",
    "split": "str or NA: train, val, test; NA = not yet split",
    "group": "str or NA: patient, lesion, eye: never crosses a split",
    "quality": "str or NA: the user's own quality grade, carried along, never learned from",
    "true_label": "int64, -1 = unknown: known truth, read by evaluation alone",
    "noise_group": "str or NA: correct, mis_h, mis_l: known truth, read by evaluation alone",
    "weight": "float64, >= 0: how often an epoch learns from the sample, on average; 1 = once",
}


@dataclass(frozen=True)
class Dataset:
    """Images with one (maybe wrong) label each.

    Attributes:
        table: one row per usable image, columns as in :data:`COLUMNS`, index 0..N-1.
        class_names: name of each class; ``table.label`` indexes into it.
        source: the file or folder that it was read from.
        arrays: uint8 pixels (N, H, W, 3) where the source holds pixels itself (.npz), else None.
        set_aside: rows that can't be used, columns ``id, path, reason``. Never silently dropped.
        ordinal: True when the classes are grades in order (QWK is meaningful).
        group_column: name of the user's column that ``table.group`` comes from, '' = none.
        weight_column: likewise of ``table.weight``.
        reading: keyword arguments of :func:`mixednoise.read_dataset` that read it from ``source``,
            plain values; None = it was not read from anywhere.
    """

    table: pd.DataFrame
    class_names: tuple[str, ...]
    source: Path
    arrays: np.ndarray[Any, np.dtype[np.uint8]] | None = None
    set_aside: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"id": [], "path": [], "reason": []}, dtype="str")
    )
    ordinal: bool = False
    group_column: str = ""
    weight_column: str = ""
    reading: dict[str, Any] | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    @property
    def labels(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """The given labels, int64 (N,)."""
        return self.table["label"].to_numpy(np.int64)

    def rows(self, split: Split) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Row numbers of one split, int64, in table order."""
        return np.flatnonzero((self.table["split"] == split).fillna(False).to_numpy(bool))

    def subset(self, rows: Sequence[int] | np.ndarray[Any, Any]) -> Dataset:
        """The same data set with these rows only (index renumbered, arrays shared)."""
        return replace(self, table=self.table.iloc[np.asarray(rows)].reset_index(drop=True))

    def truly_correct(self) -> Dataset:
        """Without the training samples whose label is known to be wrong: for the upper bound.

        Raises:
            DataError: what is right is not known of the training samples, or of a class none is.
        """
        learned = (self.table["split"] == "train").fillna(False).to_numpy(bool)
        group = self.table["noise_group"].fillna("").to_numpy(object)
        unknown = int((group[learned] == "").sum())
        if unknown or not learned.any():
            raise DataError(
                f"{self.source} does not tell which labels are right",
                expected="a split, and a noise_group (correct, mis_h, mis_l) for every training "
                "image, as mixednoise corrupt writes them",
                found=f"{unknown:,} training images without" if learned.any() else "no split",
                fix="make the noisy data with mixednoise corrupt",
            )
        right = learned & (group == "correct")
        lost = sorted(set(self.labels[learned].tolist()) - set(self.labels[right].tolist()))
        if lost:
            raise DataError(
                "the noise has left a class without a right label",
                expected="a truly correct training image of every class",
                found="none of " + ", ".join(self.class_names[k] for k in lost),
                fix="put less noise in, or compare without the oracle here",
            )
        return self.subset(np.flatnonzero(~learned | right))

    def with_set_aside(self, rows: Sequence[int], reasons: Sequence[str]) -> Dataset:
        """Move rows to :attr:`set_aside`, each with its reason."""
        moved = self.table.iloc[list(rows)][["id", "path"]].assign(reason=list(reasons))
        keep = np.setdiff1d(np.arange(len(self)), np.asarray(rows, dtype=np.int64))
        aside = pd.concat([self.set_aside, moved], ignore_index=True)
        return replace(self.subset(keep), set_aside=aside)


def make_table(
    ids: Sequence[str], labels: Sequence[int], **columns: Sequence[Any] | None
) -> pd.DataFrame:
    """Build a table with every column of :data:`COLUMNS` present and of the right dtype."""
    n = len(ids)

    def text(name: str) -> pd.Series:
        given = columns.get(name)
        values = [pd.NA] * n if given is None else list(given)
        return pd.Series(values, dtype="string")

    def integer(name: str) -> pd.Series:
        given = columns.get(name)
        return pd.Series([-1] * n if given is None else list(given), dtype="int64")

    weight = columns.get("weight")
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise TypeError(f"unknown table columns: {sorted(unknown)}")
    return pd.DataFrame(
        {
            "id": pd.Series(list(ids), dtype="string"),
            "path": text("path").fillna(""),
            "array_index": integer("array_index"),
            "label": pd.Series(list(labels), dtype="int64"),
            "split": text("split"),
            "group": text("group"),
            "quality": text("quality"),
            "true_label": integer("true_label"),
            "noise_group": text("noise_group"),
            "weight": pd.Series([1.0] * n if weight is None else list(weight), dtype="float64"),
        }
    )
