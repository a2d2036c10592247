"""A mixture of Gaussians: densities and posteriors in blocks, by one small matrix product each.

The log-density of a Gaussian is linear in the features ``[1, x, y, xx, xy, yy]``. So all that a
posterior costs is a product with a K x F matrix; there is no ``N x K x d x d`` array, and no memory
that grows with N beyond the answer itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.errors import TrainingError
from mixednoise.separation.grid import BLOCK, Blocks, Points, features

Array = np.ndarray[Any, np.dtype[np.float64]]


class MixtureFitError(TrainingError):
    """A mixture can't be fitted to these points: too few, not finite, or all the same."""


@dataclass(frozen=True)
class Mixture:
    """K Gaussians in d dimensions.

    Attributes:
        weights: float64 (K,), positive, sum 1.
        means: float64 (K, d).
        covariances: float64 (K, d, d), symmetric positive definite; K equal ones where tied.
    """

    weights: Array
    means: Array
    covariances: Array

    @classmethod
    def line(cls, weights: list[float], means: list[float], deviations: list[float]) -> Mixture:
        """A one-dimensional mixture from plain numbers."""
        return cls(
            np.array(weights),
            np.array(means)[:, None],
            np.square(np.array(deviations))[:, None, None],
        )

    def posterior(self, points: Array) -> Array:
        """P(component | point), float64 (N, K), rows sum to 1, of points (N, d).

        This is w_i^k of the QMix paper (Eq. 3).
        """
        out = np.empty((len(points), len(self.weights)))
        shift = self.means.mean(axis=0)
        rows_of_k = coefficients(self, shift)
        for begin in range(0, len(points), BLOCK):
            block = features(points[begin : begin + BLOCK].T, shift)
            out[begin : begin + BLOCK] = responsibilities(rows_of_k, block)[0].T
        return out

    def mean_log_likelihood(self, points: Array, point_weights: Array | None = None) -> float:
        """Mean log-density of points (N, d), optionally weighted by ``point_weights`` (N,)."""
        columns = np.ascontiguousarray(points.T, dtype=np.float64)
        shift = self.means.mean(axis=0)
        return expectation(self, Points(columns, shift, point_weights), shift)[1]


def expectation(mixture: Mixture, data: Blocks, shift: Array) -> tuple[Array, float]:
    """E-step: feature sums (K, F) by component, and the mean log-likelihood.

    ``shift`` is the origin of the features of ``data``.
    """
    rows_of_k = coefficients(mixture, shift)
    sums = np.zeros_like(rows_of_k)
    log_likelihood = 0.0
    for values, weighted, count in data.blocks():
        shares, logs = responsibilities(rows_of_k, values)
        sums += shares @ weighted.T
        log_likelihood += float(logs.sum() if count is None else logs @ count)
    return sums, log_likelihood / float(sums[:, 0].sum())


def coefficients(mixture: Mixture, shift: Array) -> Array:
    """Rows (K, F) whose product with the features of x - shift is log(weight * density).

    Raises:
        MixtureFitError: a covariance is not positive definite, or something is not finite.
    """
    means, d = mixture.means - shift, mixture.means.shape[1]
    try:
        factors = np.linalg.cholesky(mixture.covariances)
    except np.linalg.LinAlgError as error:
        raise MixtureFitError("a covariance of the mixture is not positive definite") from error
    precisions = np.linalg.inv(mixture.covariances)
    linear = np.einsum("kij,kj->ki", precisions, means)
    log_determinants = 2 * np.log(np.einsum("kii->ki", factors)).sum(axis=1)
    constant = np.log(mixture.weights) - 0.5 * (
        np.einsum("ki,ki->k", linear, means) + log_determinants + d * np.log(2 * np.pi)
    )
    upper = np.triu_indices(d)
    quadratic = precisions[:, upper[0], upper[1]] * np.where(upper[0] == upper[1], -0.5, -1.0)
    out: Array = np.concatenate([constant[:, None], linear, quadratic], axis=1)
    if not np.isfinite(out).all():
        raise MixtureFitError("the mixture holds values that are not finite")
    return out


def responsibilities(rows_of_k: Array, values: Array) -> tuple[Array, Array]:
    """Posterior (K, n) and log-density (n,) from features (F, n)."""
    joint = rows_of_k @ values
    top = joint.max(axis=0)
    joint -= top
    np.exp(joint, out=joint)
    total = joint.sum(axis=0)
    joint /= total
    np.log(total, out=total)
    total += top
    return joint, total
