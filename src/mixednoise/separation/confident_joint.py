"""Confident joint, its calibration, and how many labels it says are wrong (equations 1 to 4).

Labels of pixels (:mod:`mixednoise.segmentation`) and of images alike: an *item* is what has one
label. Equal to cleanlab 2.9 in every integer: thresholds, confident counts, rounding, and the items
that stay in every class. One thing is decided here that cleanlab leaves to its sorting routine
(unstable from 17 classes on): among equal remainders the later class is rounded up first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]
Indices = np.ndarray[Any, np.dtype[np.intp]]

#: Two probabilities that differ by less count as equal.
TOLERANCE = 1e-6
#: No threshold is lower, so that a probability of 0 is never confident.
LOWEST_THRESHOLD = 2 * TOLERANCE
#: No class is believed to be rarer than this when probabilities are balanced.
LOWEST_MEAN = 1e-4
#: Rounds of fitting rows and columns, and the share of all items that may then be missing.
FITTING_ROUNDS, FITTING_TOLERANCE = 1000, 1e-7
#: Items that stay in every class, whatever the joint says.
KEPT_PER_CLASS = 1


def thresholds_of(sums: Floats, class_counts: Counts) -> Floats:
    """Average self-confidence per class (equation 1).

    Args:
        sums: (K,) sum of p_k over the items labelled k.
        class_counts: (K,) items labelled k.

    Returns:
        (K,), at least 2e-6; infinite for a class without items, which no item then reaches.
    """
    present = class_counts > 0
    means = sums / np.maximum(class_counts, 1)
    return np.where(present, np.maximum(means, LOWEST_THRESHOLD), np.inf)


def confidence_bounds(thresholds: Floats, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """The smallest values of ``dtype`` that are at least ``thresholds - 1e-6`` (equation 2).

    Comparing with them in ``dtype`` decides exactly as comparing in float64 does.
    """
    exact = thresholds - TOLERANCE
    bounds = exact.astype(dtype)
    above = np.nextafter(bounds, np.asarray(np.inf, dtype))
    return np.where(bounds.astype(np.float64) < exact, above, bounds).astype(dtype)


def confident_guess(probabilities: np.ndarray[Any, Any], bounds: np.ndarray[Any, Any]) -> Indices:
    """The class that an item confidently belongs to (equation 2).

    Args:
        probabilities: (K, n).
        bounds: (K,) of :func:`confidence_bounds`, of the same dtype.

    Returns:
        (n,) the only class whose bound is reached; the most probable of all classes where several
        are; -1 where none is.
    """
    # Small integers are several times faster; masks have few classes.
    small = np.uint8 if len(probabilities) < 256 else np.int32
    reached = np.zeros(probabilities.shape[1], small)
    guess = reached.copy()
    for k, (of_class, bound) in enumerate(zip(probabilities, bounds, strict=True)):
        confident = (of_class >= bound).astype(small)
        reached += confident
        guess += confident * small(k)  # right where this stays the only one
    guess = guess.astype(np.intp)
    several = np.flatnonzero(reached > 1)
    guess[several] = probabilities[:, several].argmax(axis=0)
    guess[reached == 0] = -1
    return guess


def calibrate(counts: Counts, class_counts: Counts) -> Counts:
    """Confident counts scaled to the numbers of labelled items (equation 4).

    Args:
        counts: (K, K) confident counts C[given, guessed] with a diagonal of at least 1.
        class_counts: (K,) items per given class.

    Returns:
        (K, K) integers whose rows sum to ``class_counts``.
    """
    scaled = (counts.T / counts.sum(axis=1) * class_counts).T
    total = class_counts.sum()
    return _round_rows(scaled / max(scaled.sum(), 1e-100) * total)


def calibrate_keeping_shares(
    counts: Sequence[Counts], class_counts: Sequence[Counts]
) -> list[Counts]:
    """As :func:`calibrate`, with the true classes as common as the given ones.

    Rows and columns are scaled in turn (iterative proportional fitting), until as many items come
    to every class as leave it. The columns are those of all parts together: what leaves a class in
    one part may come back in another.

    Args:
        counts: (K, K) confident counts of each part, diagonals at least 1.
        class_counts: (K,) items per given class of each part.

    Returns:
        (K, K) integers of each part, whose rows sum to its ``class_counts``.
    """
    rows = np.concatenate(class_counts).astype(np.float64)
    shares = np.sum(class_counts, axis=0).astype(np.float64)
    joint = np.concatenate(counts).astype(np.float64)
    # A class that a part has no item of has a diagonal of 1 all the same, and nothing to be scaled.
    joint[rows == 0] = 0
    for _ in range(FITTING_ROUNDS):
        sums = joint.sum(axis=1)
        joint *= np.divide(rows, sums, out=np.zeros_like(rows), where=sums > 0)[:, None]
        columns = joint.sum(axis=0)
        joint *= np.divide(shares, columns, out=np.ones_like(shares), where=columns > 0)
        if np.abs(joint.sum(axis=1) - rows).max() < FITTING_TOLERANCE * rows.sum():
            break
    joint *= (rows / np.maximum(joint.sum(axis=1), 1e-100))[:, None]
    return [_round_rows(part) for part in np.split(joint, len(counts))]


def _round_rows(matrix: Floats) -> Counts:
    """Round to integers that keep the rows' rounded sums: largest remainders change first."""
    rounded = np.rint(matrix)
    for row, values in zip(rounded, matrix, strict=True):
        missing = int(np.rint(values.sum()) - row.sum())
        order = np.argsort(values - row, kind="stable")
        # Every entry is off by at most a half, so one unit each always suffices.
        chosen = order[::-1][:missing] if missing > 0 else order[:-missing]
        row[chosen] += np.sign(missing)
    return rounded.astype(np.int64)


def prune_counts(calibrated: Counts, class_counts: Counts) -> Counts:
    """How many items the rules may flag, leaving at least one in every class.

    Args:
        calibrated: (K, K) of :func:`calibrate`.
        class_counts: (K,) items per given class.

    Returns:
        (K, K): off the diagonal, items of class i to flag as class j (prune by noise rate); on
        the diagonal, items of class i to flag in all (prune by class).
    """
    diagonal = calibrated.diagonal()
    kept = np.maximum(diagonal, KEPT_PER_CLASS)
    others = np.maximum(np.count_nonzero(calibrated, axis=1) - 1, 1)
    # What the diagonal gains is taken evenly from the other entries.
    left = calibrated - ((kept - diagonal) / others)[:, None]
    result: Counts = np.maximum(left, 0).astype(np.int64)
    np.fill_diagonal(result, np.maximum(class_counts - kept, 0))
    result[class_counts <= KEPT_PER_CLASS] = 0
    return result


def wrong_shares(labels: Counts, probabilities: Floats) -> Floats:
    """Estimated share of wrong labels in every given class: 1 - C[c, c] / sum_j C[c, j].

    Args:
        labels: (n,) given classes 0..K-1.
        probabilities: (n, K) rows that sum to 1, best of models that never saw the item. Those of a
            model that learned it are too sure of the given label, and the shares come out too low.

    Returns:
        (K,) in [0, 1), C being the confident counts (equation 3), whose diagonal is at least 1;
        0 for a class without items.
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    own = probabilities[np.arange(len(labels)), labels]
    sums = np.bincount(labels, own, minlength=classes).astype(np.float64)
    bounds = confidence_bounds(thresholds_of(sums, counts), np.dtype(np.float64))
    guess = confident_guess(probabilities.T.astype(np.float64), bounds)
    sure = guess >= 0
    joint = np.bincount(labels[sure] * classes + guess[sure], minlength=classes**2)
    joint = joint.reshape(classes, classes)
    np.fill_diagonal(joint, np.maximum(joint.diagonal(), 1))
    shares: Floats = 1 - joint.diagonal() / joint.sum(axis=1)
    return shares


def wrong_shares_of_biased(labels: Counts, probabilities: Floats) -> Floats:
    """Shares of wrong labels where the model is biased towards large classes: the lower of two.

    :func:`wrong_shares` as it is calls nearly every label of a rare class wrong, because the model
    does not believe in that class; with every probability divided by its class's mean it errs the
    other way, in large classes. Arguments and result as there.
    """
    balanced = probabilities / np.maximum(probabilities.mean(axis=0), LOWEST_MEAN)
    balanced /= balanced.sum(axis=1, keepdims=True)
    shares: Floats = np.minimum(wrong_shares(labels, probabilities), wrong_shares(labels, balanced))
    return shares
