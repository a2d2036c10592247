"""Confidence intervals of every metric from the bootstrap, all resamples at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import ConfigError
from mixednoise.evaluation.metrics import (
    CLASS_METRICS,
    SCALAR_METRICS,
    calibration_gaps,
    check_predictions,
    checked_names,
    confusion_scores,
    one_versus_rest,
)
from mixednoise.evaluation.ranking import Floats, divide, mean_of_defined
from mixednoise.evaluation.resampling import percentile_interval, unit_codes

#: Samples times resamples that are held at once: bounds the memory at some 20 MB.
CHUNK = 1 << 19


def bootstrap_intervals(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
    groups: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Percentile bootstrap intervals of everything that ``classification_metrics`` reports.

    The one of ``qwk`` supposes that the classes are grades in order.

    Samples are drawn with replacement, N at a time; with ``groups``, whole patients are drawn, as
    many as there are, because two images of one patient are not two independent witnesses. Each
    metric follows the same rules as in :func:`~mixednoise.evaluation.metrics
    .classification_metrics`; resamples in which it is undefined are left out, and a metric
    that is undefined in more than a tenth of them gets ``(nan, nan)``. So does everything when
    there are fewer than two samples (or patients).

    A percentile interval can't go beyond what was seen: 5 of 5 right gives (1, 1), which says
    that there are too few samples rather than that the truth is known. The calibration error is
    a sum of absolute values, so that its resamples lie above it: read its interval as an upper one.

    Args:
        y_true: int (N,), class codes.
        probabilities: float (N, C), rows summing to 1.
        rng: the only source of chance.
        resamples: number of resamples, at least 2.
        level: share of the resamples inside the interval, in (0, 1).
        groups: (N,), patient of each sample, any values that can be compared; a missing value
            (None, NaN, NA) makes the sample a patient of its own.
        class_names: names for ``per_class``; default ``"0"``, ``"1"``, ...

    Returns:
        ``{metric: (low, high)}`` for the scalar metrics, and ``per_class``:
        ``{name: {sensitivity, specificity, auc, f1: (low, high)}}``.

    Raises:
        DataError: as in ``classification_metrics``, or groups of another length.
        ConfigError: ``resamples`` or ``level`` out of range.
    """
    if resamples < 2 or not 0 < level < 1:
        raise ConfigError(
            "the bootstrap can't be run like this",
            expected="resamples >= 2 and 0 < level < 1",
            found=f"resamples {resamples}, level {level}",
            fix="the usual choice is 1000 resamples and level 0.95",
        )
    truth, proba = check_predictions(y_true, probabilities)
    names = checked_names(class_names, proba.shape[1])
    unit, units = unit_codes(groups, len(truth), per="label", scored="sample")
    if units < 2:
        nothing = (float("nan"), float("nan"))
        return dict.fromkeys(SCALAR_METRICS, nothing) | {
            "per_class": {name: dict.fromkeys(CLASS_METRICS, nothing) for name in names}
        }
    draws = bootstrap_metrics(truth, proba, unit, units, rng, resamples)
    result: dict[str, Any] = {m: percentile_interval(draws[m], level) for m in SCALAR_METRICS}
    result["per_class"] = {
        name: {m: percentile_interval(draws[m][:, c], level) for m in CLASS_METRICS}
        for c, name in enumerate(names)
    }
    return result


def bootstrap_metrics(
    truth: NDArray[np.int64],
    proba: Floats,
    unit: NDArray[np.int64],
    units: int,
    rng: np.random.Generator,
    resamples: int,
) -> dict[str, Floats]:
    """Every metric of every resample: scalars (R,), per class (R, C).

    Drawing a sample k times is giving it weight k. With the samples sorted by (truth, prediction),
    a resample's confusion matrix is a sum of its weights over runs; its AUCs are sums over ranks
    that are sorted once; its calibration error is a matrix product.
    """
    classes = proba.shape[1]
    order = np.argsort(truth * classes + proba.argmax(axis=1), kind="stable")
    truth, proba = truth[order], proba[order]
    cells, starts = np.unique(truth * classes + proba.argmax(axis=1), return_index=True)
    owner = unit[order]
    rankings = one_versus_rest(truth, proba)
    gaps = calibration_gaps(truth, proba).astype(np.float32)

    parts: list[dict[str, Floats]] = []
    step = max(1, CHUNK // len(truth))
    for first in range(0, resamples, step):
        count = min(step, resamples - first)
        weights = _weights(rng, owner, units, count)
        confusion = np.zeros((count, classes * classes))
        confusion[:, cells] = np.add.reduceat(weights, starts, axis=0).T
        scores = confusion_scores(confusion.reshape(count, classes, classes))
        scores["auc"] = np.stack([ranking.auc(weights) for ranking in rankings], axis=1)
        scores["macro_auc"] = mean_of_defined(scores["auc"])
        gap = np.abs(gaps @ weights).sum(axis=0, dtype=np.float64)
        scores["ece"] = divide(gap, confusion.sum(axis=1))
        parts.append(scores)
    return {m: np.concatenate([part[m] for part in parts]) for m in parts[0]}


def _weights(
    rng: np.random.Generator, owner: NDArray[np.int64], units: int, count: int
) -> NDArray[np.floating[Any]]:
    """How often each sample is drawn in each resample: (N, count), whole numbers."""
    # float32 holds whole numbers, and so their sums, exactly up to 2**24.
    exact = np.float32 if len(owner) < 1 << 23 else np.float64
    drawn = np.empty((count, units), dtype=exact)
    for row in drawn:  # one call per resample: the stream must not depend on the chunk size
        row[:] = np.bincount(rng.integers(units, size=units), minlength=units)
    return np.ascontiguousarray(drawn.T)[owner]
