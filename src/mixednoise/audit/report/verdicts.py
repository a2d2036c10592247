"""The audit table as arrays; what is not there is empty, so that no section has to ask twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixednoise.audit.folder import Manifest
from mixednoise.audit.order import review_order
from mixednoise.data.table import GROUPS
from mixednoise.quality.reasons import split_reasons

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Texts = NDArray[Any]

#: Codes of :attr:`Verdicts.state`.
RIGHT, WRONG, UNREADABLE, NOT_JUDGED = 0, 1, 2, -1


@dataclass(frozen=True)
class Verdicts:
    """One audit, N rows as in its table.

    Attributes:
        table: as it was read.
        classes: C names: those of the manifest, then any other given label.
        unit: what the column of patients is called.
    """

    table: pd.DataFrame
    classes: list[str]
    unit: str = "patient"
    _texts: dict[str, Texts] = field(default_factory=dict, repr=False)
    _numbers: dict[str, Floats] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(table: pd.DataFrame, manifest: Manifest) -> Verdicts:
        """Take the classes from the manifest, and from the table what the manifest lacks."""
        given = table["given_label"].fillna("").astype(str)
        others = [name for name in dict.fromkeys(given) if name not in manifest.classes and name]
        unit = manifest.group_column or "patient"
        return Verdicts(table, [*manifest.classes, *others], unit)

    def __len__(self) -> int:
        return len(self.table)

    def text(self, column: str) -> Texts:
        """A column of words, object (N,) of str; "" where there is none."""
        if column not in self._texts:
            words = np.full(len(self), "", dtype=object)
            if column in self.table:
                words = self.table[column].astype("string").fillna("").to_numpy(object)
            self._texts[column] = words
        return self._texts[column]

    def number(self, column: str) -> Floats:
        """A column of numbers, float64 (N,); NaN where there is none."""
        if column not in self._numbers:
            values = np.full(len(self), np.nan)
            if column in self.table:
                found = pd.to_numeric(self.table[column], errors="coerce").to_numpy(np.float64)
                values = np.where(np.isfinite(found), found, np.nan)
            self._numbers[column] = values
        return self._numbers[column]

    def codes(self, column: str) -> Integers:
        """A column of class names as positions in :attr:`classes`, int64 (N,); -1 = none."""
        position = {name: code for code, name in enumerate(self.classes)}
        return np.array([position.get(name, -1) for name in self.text(column)], dtype=np.int64)

    @cached_property
    def ids(self) -> Texts:
        """Of the samples."""
        return self.text("id")

    @cached_property
    def given(self) -> Integers:
        """Class codes of the given labels."""
        return self.codes("given_label")

    @cached_property
    def suggested(self) -> Integers:
        """Class codes of the suggested labels, -1 = none suggested."""
        return self.codes("suggested_label")

    @cached_property
    def issue(self) -> Flags:
        """Whether a person should look at it."""
        if "is_label_issue" not in self.table:
            return np.zeros(len(self), dtype=bool)
        return np.isin(self.text("is_label_issue"), ("True", "true", "1", "1.0"))

    @cached_property
    def state(self) -> Integers:
        """What is thought of each label: 0 right, 1 wrong, 2 unreadable image, -1 not judged.

        Methods that tell issues but no groups call every issue wrong.
        """
        position = {name: code for code, name in enumerate(GROUPS)}
        codes = np.array([position.get(name, -1) for name in self.text("group")], dtype=np.int64)
        return np.where((codes < 0) & self.issue, WRONG, codes)

    @cached_property
    def p(self) -> Floats:
        """Probabilities of right, wrong and unreadable, (N, 3); NaN = not known."""
        return np.stack([self.number(f"p_{name}") for name in GROUPS], axis=1)

    @cached_property
    def quality(self) -> Floats:
        """Label quality in [0, 1]; NaN = not known."""
        return self.number("label_quality")

    @cached_property
    def image_quality(self) -> Floats:
        """Image quality in [0, 1]; NaN = not known."""
        return np.clip(self.number("image_quality"), 0, 1)

    @cached_property
    def reasons(self) -> list[list[str]]:
        """Reasons of each row, in their order."""
        return list(map(split_reasons, self.text("reasons")))

    @cached_property
    def order(self) -> Integers:
        """Rows in the order of a review."""
        return review_order(self.issue, self.quality)
