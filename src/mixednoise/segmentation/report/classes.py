"""What is estimated per class and per pair of classes, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.ranking import divide
from mixednoise.pages.heat import busiest, confusions, most_frequent, opacities

#: Pairs that are spelled out.
MOST_PAIRS = 8
_PER_CLASS = ("class_counts", "thresholds", "error_rate", "flagged_per_class")
_STRATA = {
    "band": "near the boundaries of the given masks",
    "interior": "away from the boundaries of the given masks",
}


@dataclass(frozen=True)
class ClassRow:
    """One class; NaN = not known.

    Attributes:
        name: of the class.
        pixels: pixels drawn as it.
        flagged: of these, suspected to be wrong.
        threshold: average self-confidence.
        error_rate: estimated share of the pixels drawn as it that belong to another class.
    """

    name: str
    pixels: float
    flagged: float
    threshold: float
    error_rate: float


@dataclass(frozen=True)
class Cell:
    """One pair of classes: its share of all pixels, and how strongly the cell is coloured."""

    share: float
    opacity: float
    diagonal: bool


@dataclass(frozen=True)
class Joint:
    """The estimated joint of given (rows) and true (columns) class.

    Attributes:
        names: the classes shown, in class order.
        left_out: how many classes are not shown.
        cells: rows the given class, columns the probable one.
        pairs: ``(given, probable, share of all pixels)``, the most frequent confusions first.
    """

    names: list[str]
    left_out: int
    cells: list[list[Cell]]
    pairs: list[tuple[str, str, float]]


def class_names_of(given: Sequence[str], summary: Mapping[str, Any]) -> list[str]:
    """The names on the page: those given, those of the summary, or numbers.

    Raises:
        DataError: another number of names than classes in the summary.
    """
    names = [str(name) for name in given] or [str(n) for n in summary.get("class_names") or ()]
    known = [len(summary[k]) for k in ("joint", *_PER_CLASS) if summary.get(k) is not None]
    if not names and known:
        names = [f"class {k}" for k in range(known[0])]
    if any(count != len(names) for count in known):
        raise DataError(
            "class names and estimates don't fit together",
            expected=f"one name for each of {known[0]} classes",
            found=f"{len(names)} names",
            fix="pass the class names, the background's first",
        )
    return names


def class_rows(part: Mapping[str, Any], names: Sequence[str]) -> list[ClassRow]:
    """One row per class; empty where nothing is known about the classes.

    Args:
        part: a summary, or one of its strata, whose error rates follow from its
            ``calibrated_counts``.
        names: K names.
    """
    known: dict[str, Any] = {key: part.get(key) for key in _PER_CLASS}
    if known["error_rate"] is None and part.get("calibrated_counts") is not None:
        counts = _matrix(part["calibrated_counts"], len(names))
        right = divide(counts.diagonal(), counts.sum(axis=1))
        known["error_rate"] = [None if np.isnan(share) else 1 - share for share in right]
    if all(value is None for value in known.values()):
        return []
    pixels, thresholds, rates, flagged = (_numbers(known[k], len(names)) for k in _PER_CLASS)
    return [
        ClassRow(name, float(pixels[k]), float(flagged[k]), float(thresholds[k]), float(rates[k]))
        for k, name in enumerate(names)
    ]


def strata_of(summary: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, list[ClassRow]]]:
    """``(where, one row per class)`` of each estimate; empty where there is one for all pixels."""
    parts = summary.get("strata") or []
    if len(parts) < 2:
        return []
    titles = [str(part.get("name", "")) for part in parts]
    return [
        (_STRATA.get(title, title), class_rows(part, names))
        for title, part in zip(titles, parts, strict=True)
    ]


def joint_of(summary: Mapping[str, Any], names: Sequence[str]) -> Joint | None:
    """The estimated joint as a coloured table; None where it isn't known.

    Raises:
        DataError: it is no table of K x K numbers.
    """
    if summary.get("joint") is None or not names:
        return None
    classes = len(names)
    joint = _matrix(summary["joint"], classes)
    wrong = confusions(joint)
    # With many classes only those that take part in confusions are worth a row.
    kept, heat = busiest(wrong), opacities(wrong)
    cells = [[Cell(float(joint[i, j]), float(heat[i, j]), i == j) for j in kept] for i in kept]
    pairs = [(names[i], names[j], value) for i, j, value in most_frequent(wrong, MOST_PAIRS)]
    return Joint([names[k] for k in kept], classes - len(kept), cells, pairs)


def _numbers(values: Any, classes: int) -> NDArray[np.float64]:
    """(K,) floats; NaN for what is not known (None in JSON) and what is infinite."""
    if values is None:
        return np.full(classes, np.nan)
    # By class name where it is a mapping, in class order.
    listed = values.values() if isinstance(values, Mapping) else values
    numbers = np.array([np.nan if v is None else float(v) for v in listed])
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _matrix(values: Any, classes: int) -> NDArray[np.float64]:
    matrix = np.nan_to_num(np.asarray(values, dtype=np.float64))
    if matrix.shape != (classes, classes):
        raise DataError(
            "the estimated joint doesn't fit the classes",
            expected=f"a table of {classes} x {classes} numbers",
            found=str(matrix.shape),
            fix="pass the summary as it was written",
        )
    return matrix
