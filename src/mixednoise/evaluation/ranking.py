"""Area under the ROC curve from ranks, for one weighting of the samples or for many at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class RankedScores:
    """One score sorted once, so that its AUC under many weightings costs a sum each.

    AUC = P(score of a positive > score of a negative) + P(equal) / 2, the Mann-Whitney statistic.

    Args:
        positive: bool (N,), True for the samples that ought to score high.
        scores: float (N,), finite.
    """

    def __init__(self, positive: ArrayLike, scores: ArrayLike) -> None:
        is_positive = np.asarray(positive, dtype=bool)
        values = np.asarray(scores, dtype=np.float64)
        self._order = np.argsort(values, kind="stable")
        ranked = values[self._order]
        at = np.flatnonzero(is_positive[self._order])
        self._positives = self._order[at]
        # Samples strictly below, and below or equal: ties count half, so both ends are needed.
        self._below = np.searchsorted(ranked, ranked[at], side="left")
        self._up_to = np.searchsorted(ranked, ranked[at], side="right")
        self._has_ties = bool(np.any(self._up_to - self._below > 1))

    def auc(self, weights: NDArray[Any] | None = None) -> Floats:
        """Weighted AUC, float64 (R,), for each of R weightings.

        Args:
            weights: (N, R), how often each sample counts; None = once, R = 1. Floating weights
                must be exact in their own sums (whole numbers below 2**24 for float32).

        Returns:
            The AUC in [0, 1]; NaN where positives or negatives weigh nothing.
        """
        if weights is None:
            weights = np.ones((len(self._order), 1))
        count = weights.shape[1]
        own = weights[self._positives].astype(np.float64)
        positive = own.sum(axis=0)
        negative = weights.sum(axis=0, dtype=np.float64) - positive
        if not len(own):
            return np.full(count, np.nan)
        cumulated = np.zeros((len(self._order) + 1, count), dtype=weights.dtype)
        np.cumsum(weights[self._order], axis=0, out=cumulated[1:])
        twice = cumulated[self._below].astype(np.float64)
        twice += cumulated[self._up_to]
        # Each positive is compared with everything; positives among themselves add up to exactly
        # half the square of their weight, which is taken off again.
        wins = 0.5 * np.einsum("nr,nr->r", own, twice) - 0.5 * positive**2
        return divide(wins, positive * negative)


def binary_auc(positive: ArrayLike, scores: ArrayLike) -> float:
    """AUC of one score, in [0, 1]; NaN when only positives, only negatives or nothing is given.

    Args:
        positive: bool (N,).
        scores: float (N,), finite; ties count half.
    """
    return float(RankedScores(positive, scores).auc()[0])


def divide(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """``numerator / denominator``, NaN (and no warning) where the denominator is zero."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    quotient = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom != 0)
    return quotient


def mean_of_defined(values: Floats, axis: int = -1) -> Floats:
    """Mean over the entries that are not NaN; NaN (and no warning) where there are none."""
    defined = ~np.isnan(values)
    return divide(np.where(defined, values, 0.0).sum(axis=axis), defined.sum(axis=axis))
