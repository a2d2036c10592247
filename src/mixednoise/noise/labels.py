"""Wrong labels on purpose: pure functions of (true labels, rate, random generator).

Each returns new labels, int64 (N,), in which exactly ``round(rate * N)`` rows are changed (for
:func:`by_class_map`: that share of each mapped class), and every changed row holds *another* class
than before. Sources: symmetric and frequency noise as in the QMix paper's protocol; class maps as
in the "pair flip" of Han et al. 2018 (Co-teaching). For noise that follows the image see
:func:`mixednoise.noise.instance.instance_dependent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mixednoise.errors import ConfigError, DataError

IntArray = np.ndarray[Any, np.dtype[np.int64]]
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def symmetric(
    labels: np.ndarray[Any, Any], rate: float, num_classes: int, rng: np.random.Generator
) -> IntArray:
    """Wrong labels drawn uniformly from the other classes.

    Args:
        labels: integer (N,), 0..num_classes-1; not changed.
        rate: share of the rows to change, 0..1.
        num_classes: C, at least 2.
        rng: source of chance.

    Raises:
        ConfigError: rate outside [0, 1].
        DataError: labels that are no class codes, or a single class.
    """
    given = check_labels(labels, num_classes)
    rows = _choose_rows(given, rate, rng)
    given[rows] = (given[rows] + rng.integers(1, num_classes, size=len(rows))) % num_classes
    return given


def by_frequency(
    labels: np.ndarray[Any, Any], rate: float, num_classes: int, rng: np.random.Generator
) -> IntArray:
    """Wrong labels drawn from the class frequencies, the true class excluded.

    The "asymmetric" noise of QMix's protocol: rare diseases are filed under common ones more often
    than the other way round. Arguments and errors as for :func:`symmetric`; labels must hold at
    least two different classes.
    """
    given = check_labels(labels, num_classes)
    rows = _choose_rows(given, rate, rng)
    frequencies = np.bincount(given, minlength=num_classes).astype(np.float64)
    if len(rows) and np.count_nonzero(frequencies) < 2:
        raise one_class_only()
    given[rows] = draw_other(np.tile(frequencies, (len(rows), 1)), given[rows], rng)
    return given


def by_class_map(
    labels: np.ndarray[Any, Any],
    rate: float,
    class_map: Mapping[int, int],
    rng: np.random.Generator,
    num_classes: int | None = None,
) -> IntArray:
    """Wrong labels by a fixed confusion, such as melanoma taken for a naevus.

    Args:
        labels: integer (N,), 0..num_classes-1; not changed.
        rate: share to change of **each mapped class**: exactly ``round(rate * n)`` of its n rows.
            Classes that are not mapped keep their labels.
        class_map: class code -> the code that it is mistaken for.
        rng: source of chance.
        num_classes: C, None = as many as labels and map name.

    Raises:
        ConfigError: rate outside [0, 1]; an empty map, a code outside the classes, or a class that
            is mapped to itself.
        DataError: labels that are no class codes.
    """
    if num_classes is None:
        num_classes = max([1, *np.asarray(labels).tolist(), *class_map, *class_map.values()]) + 1
    given = check_labels(labels, num_classes)
    check_rate(rate)
    wrong = [
        (a, b) for a, b in class_map.items() if a == b or not {a, b} <= set(range(num_classes))
    ]
    if wrong or not class_map:
        raise ConfigError(
            "the class map can't be used",
            expected=f"class codes 0 to {num_classes - 1}, each mapped to another one",
            found=", ".join(f"{a} -> {b}" for a, b in wrong) or "an empty map",
            fix="name for each confused class the other class that it is mistaken for",
        )
    true = given.copy()
    for source, target in sorted(class_map.items()):
        members = np.flatnonzero(true == source)
        given[rng.choice(members, size=round(rate * len(members)), replace=False)] = target
    return given


def check_labels(labels: np.ndarray[Any, Any], num_classes: int) -> IntArray:
    """A fresh int64 copy of the labels.

    Raises:
        DataError: not one integer per row, a code outside 0..num_classes-1, or fewer than two
            classes.
    """
    array = np.asarray(labels)
    if array.ndim != 1 or not (np.issubdtype(array.dtype, np.integer) or array.size == 0):
        raise DataError(
            "labels can't be read",
            expected="one class code per image: integers, shape (N,)",
            found=f"{array.dtype}, shape {array.shape}",
            fix="pass dataset.labels",
        )
    if num_classes < 2:
        raise one_class_only()
    outside = array[(array < 0) | (array >= num_classes)]
    if outside.size:
        raise DataError(
            "labels hold codes that are no class",
            expected=f"0 to {num_classes - 1}",
            found=", ".join(map(str, np.unique(outside)[:5])),
            fix="set the rows without a class aside first",
        )
    return array.astype(np.int64, copy=True)


def check_rate(rate: float) -> None:
    """Refuse a rate outside [0, 1] (also NaN) with a :class:`ConfigError`."""
    if not 0.0 <= rate <= 1.0:
        raise ConfigError(
            "a noise rate is out of range",
            expected="a share between 0 and 1, for example 0.4",
            found=repr(rate),
            fix="pass a share, not a percentage or a count",
        )


def one_class_only() -> DataError:
    """The error for data in which no label can be wrong."""
    return DataError(
        "labels can't be made wrong where there is only one class",
        expected="at least two classes with images",
        found="one",
        fix="add the other classes, or set --mis-h 0",
    )


def draw_other(weights: FloatArray, labels: IntArray, rng: np.random.Generator) -> IntArray:
    """One class per row from its weights (n, C), never the row's own label (n,)."""
    rows = np.arange(len(labels))
    weights = weights.copy()
    weights[rows, labels] = 0.0
    cumulative = np.cumsum(weights, axis=1)
    # u lies in [0, total), so that the class found always has a weight above zero.
    u = rng.random(len(labels))[:, None] * cumulative[:, -1:]
    return np.asarray((cumulative <= u).sum(axis=1), dtype=np.int64)


def _choose_rows(labels: IntArray, rate: float, rng: np.random.Generator) -> IntArray:
    """Exactly round(rate * N) different rows."""
    check_rate(rate)
    return rng.choice(len(labels), size=round(rate * len(labels)), replace=False).astype(np.int64)
