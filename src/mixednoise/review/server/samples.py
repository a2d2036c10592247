"""The table of an audit in memory, as the review page asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixednoise.audit.folder import Manifest
from mixednoise.audit.order import review_order
from mixednoise.quality.reasons import split_reasons
from mixednoise.quality.scores import FAULTS

#: Not a fault of the picture, but a reason to look: the same image is there twice.
DUPLICATE = "duplicate"
#: Columns that a filter can ask for, as they are.
FACETS = ("group", "given_label", "suggested_label", "split", "worst_class")
_NUMBERS = (
    *("p_correct", "p_mis_h", "p_mis_l", "loss", "entropy", "label_quality", "confidence"),
    *("self_confidence", "suspected_pixels", "suspected_share", "image_quality", "exposure"),
    *("evenness", "contrast", "focus", "detail", "noise", "colour"),
)
#: Searches whose answer is kept.
_REMEMBERED = 15
_TEXTS = (*FACETS, "predicted_label", "reasons", "patient", "same_as", "fold")


class Samples:
    """Rows of the audit, and the order in which they are looked at.

    The truth, where it is known, is left out: whoever reviews shall not be told it.

    Args:
        table: of the audit, N rows.
        manifest: of the audit.

    Attributes:
        ids: N names.
        rows: name -> row.
        is_issue: bool (N,).
        order: int (N,), rows, those to look at first coming first: label issues, then the rest,
            each by ascending label quality.
        place: int (N,), where each row stands in that order.
    """

    def __init__(self, table: pd.DataFrame, manifest: Manifest) -> None:
        self.manifest = manifest
        self.ids = [str(name) for name in table["id"]]
        self.rows = {name: row for row, name in enumerate(self.ids)}
        self._texts = {name: _texts(table[name]) for name in _TEXTS if name in table}
        self._numbers = {name: _floats(table[name]) for name in _NUMBERS if name in table}
        issue = table["is_label_issue"] if "is_label_issue" in table else [False] * len(table)
        self.is_issue: NDArray[np.bool_] = np.array([str(value) == "True" for value in issue])
        quality = self._numbers.get("label_quality", np.full(len(table), np.nan))
        self.order: NDArray[np.int64] = review_order(self.is_issue, quality)
        self.place: NDArray[np.int64] = np.empty(len(table), np.int64)
        self.place[self.order] = np.arange(len(table))
        self._codes = {name: _codes(self._texts[name]) for name in FACETS if name in self._texts}
        self._patients = _together(self._texts.get("patient", []))
        self._copies = self._same_images()
        self._faults = self._found_faults()
        self._search: list[str] | None = None
        self._said: dict[str, NDArray[np.bool_]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def text(self, name: str, row: int) -> str:
        """A cell; '' where there is no such column."""
        column = self._texts.get(name)
        return column[row] if column is not None else ""

    def brief(self, row: int) -> dict[str, Any]:
        """What a list shows of a sample."""
        return {
            "row": row,
            "id": self.ids[row],
            "given": self.text("given_label", row),
            "suggested": self.text("suggested_label", row),
            "predicted": self.text("predicted_label", row),
            "group": self.text("group", row),
            "split": self.text("split", row),
            "issue": bool(self.is_issue[row]),
            "quality": self.number("label_quality", row),
            "suspected": self.number("suspected_pixels", row),
        }

    def full(self, row: int) -> dict[str, Any]:
        """Everything that the page shows of a sample, but its image and its decisions."""
        return self.brief(row) | {
            "reasons": split_reasons(self.text("reasons", row)),
            "patient": self.text("patient", row),
            "worst": self.text("worst_class", row),
            "numbers": {name: self.number(name, row) for name in self._numbers},
            "same_patient": self._others(self._patients, self.text("patient", row), row),
            "same_image": self._others(self._copies, self._copy_of(row), row),
        }

    def number(self, name: str, row: int) -> float | None:
        """A cell; None where there is no number."""
        column = self._numbers.get(name)
        if column is None or not np.isfinite(column[row]):
            return None
        return float(column[row])

    def facets(self) -> dict[str, list[tuple[str, int]]]:
        """What can be filtered by, with the number of samples of each, in order of appearance."""
        found: dict[str, list[tuple[str, int]]] = {}
        for name, (values, codes) in self._codes.items():
            counts = np.bincount(codes, minlength=len(values))
            pairs = list(zip(values, counts.tolist(), strict=True))
            if name in ("given_label", "suggested_label"):
                known = {label: place for place, label in enumerate(self.manifest.classes)}
                pairs.sort(key=lambda pair: known.get(pair[0], len(known)))
            found[name] = pairs
        found["fault"] = [(name, len(rows)) for name, rows in self._faults.items()]
        return found

    def equal(self, name: str, value: str) -> NDArray[np.bool_]:
        """Rows with that value in one of :data:`FACETS`, bool (N,)."""
        values, codes = self._codes.get(name, ([], np.full(len(self), -1)))
        return np.asarray(codes == values.index(value)) if value in values else self._nothing()

    def having_fault(self, name: str) -> NDArray[np.bool_]:
        """Rows whose image has one of :data:`.FAULTS`, or is a :data:`DUPLICATE`, bool (N,)."""
        mask = self._nothing()
        mask[self._faults.get(name, [])] = True
        return mask

    def saying(self, words: str) -> NDArray[np.bool_]:
        """Rows whose id, patient or reasons hold every one of the words, bool (N,)."""
        key = " ".join(words.casefold().split())
        found = self._said.get(key)
        if found is None:
            found = self._searched(key.split())
            # Pages ask the same question every few seconds.
            self._said = dict([*self._said.items()][-_REMEMBERED:]) | {key: found}
        return found

    def _searched(self, wanted: list[str]) -> NDArray[np.bool_]:
        if self._search is None:
            patients = self._texts.get("patient", [""] * len(self))
            reasons = self._texts.get("reasons", [""] * len(self))
            rows = zip(self.ids, patients, reasons, strict=True)
            self._search = ["\n".join(row).casefold() for row in rows]
        return np.array([all(w in text for w in wanted) for text in self._search], np.bool_)

    def _nothing(self) -> NDArray[np.bool_]:
        return np.zeros(len(self), np.bool_)

    def _copy_of(self, row: int) -> str:
        return self.text("same_as", row) or self.ids[row]

    def _same_images(self) -> dict[str, list[int]]:
        if "same_as" not in self._texts:
            return {}
        first = _together(self._texts["same_as"], least=1)
        # The first image of a group names no other one.
        return {
            name: sorted({*rows, self.rows[name]} if name in self.rows else set(rows))
            for name, rows in first.items()
        }

    def _found_faults(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {name: [] for name in FAULTS}
        for row, reasons in enumerate(self._texts.get("reasons", [])):
            for part in split_reasons(reasons):
                if part in found:
                    found[part].append(row)
        found[DUPLICATE] = sorted(row for rows in self._copies.values() for row in rows)
        return {name: rows for name, rows in found.items() if rows}

    def _others(self, groups: dict[str, list[int]], key: str, row: int) -> list[dict[str, Any]]:
        return [self.brief(other) for other in groups.get(key, []) if other != row]


def _texts(column: pd.Series[Any]) -> list[str]:
    return ["" if value != value or value is None else str(value) for value in column.tolist()]


def _floats(column: pd.Series[Any]) -> NDArray[np.float64]:
    return pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)


def _codes(values: list[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Distinct values in order of appearance, and which one each row has."""
    codes, names = pd.factorize(np.array(values, dtype=object))
    return [str(name) for name in names], codes.astype(np.int64)


def _together(values: list[str], least: int = 2) -> dict[str, list[int]]:
    """Value -> its rows, for values other than '' that at least so many rows have."""
    found: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        if value:
            found.setdefault(value, []).append(row)
    return dict(_of_size(found, least))


def _of_size(found: dict[str, list[int]], least: int) -> Iterator[tuple[str, list[int]]]:
    yield from ((value, rows) for value, rows in found.items() if len(rows) >= least)
