"""Expectation-maximisation: fast, deterministic, exact on all points.

Most iterations run on a grid of cells that carry their exact moments; the last ones touch every
point, so that the answer and its likelihood are those of the data and not of the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from mixednoise.separation.grid import CELLS, Blocks, Points, compress
from mixednoise.separation.mixture import Array, Mixture, MixtureFitError, expectation

Covariance = Literal["full", "tied"]

#: Fewer points than this are not worth a grid.
GRID_FROM = 20_000


@dataclass(frozen=True)
class Prior:
    """What a fit is drawn towards, as if some samples had been seen before (MAP-EM).

    Conjugate: Dirichlet on the weights, normal-inverse-Wishart on means and covariances.

    Attributes:
        centre: the mixture that the pseudo-samples come from.
        weights: pseudo-samples behind the component weights, in the centre's proportions.
        shapes: pseudo-samples behind mean and covariance, one number per component.
    """

    centre: Mixture
    weights: float
    shapes: tuple[float, ...]

    def log_density(self, mixture: Mixture) -> float:
        """Log-density of a mixture under the prior, up to a constant."""
        gap = mixture.means - self.centre.means
        precisions = np.linalg.inv(mixture.covariances)
        misfit = (
            np.linalg.slogdet(mixture.covariances)[1]
            + np.einsum("kij,kji->k", precisions, self.centre.covariances)
            + np.einsum("ki,kij,kj->k", gap, precisions, gap)
        )
        return float(
            self.weights * (self.centre.weights @ np.log(mixture.weights))
            - 0.5 * (np.array(self.shapes) @ misfit)
        )


@dataclass(frozen=True)
class MixtureFit:
    """A fitted mixture and how the fit went.

    Attributes:
        mixture: the components.
        log_likelihood: mean log-likelihood per point, over all points, at the last E-step.
        iterations: EM iterations, on the grid and on the points together.
        converged: whether the objective stopped rising before ``max_iterations``.
    """

    mixture: Mixture
    log_likelihood: float
    iterations: int
    converged: bool


def fit_mixture(
    points: Array,
    *,
    components: int = 3,
    covariance: Covariance = "full",
    starts: Sequence[Mixture] = (),
    point_weights: Array | None = None,
    prior: Prior | None = None,
    accept: Callable[[Mixture], bool] | None = None,
    regularisation: float = 1e-6,
    tolerance: float = 1e-3,
    max_iterations: int = 200,
) -> MixtureFit:
    """Fit a Gaussian mixture by EM; deterministic.

    Args:
        points: float64 (N, d), finite.
        components: number of components K.
        covariance: ``full``: one per component; ``tied``: one shared by all, which makes the
            log-odds of two components linear, hence monotone, in the evidence.
        starts: where EM begins; the start that ends at the best objective wins. Last epoch's
            mixture is a warm start. Default: :func:`quantile_start`.
        point_weights: float64 (N,), non-negative: how much each point counts.
        prior: makes it a maximum-a-posteriori fit.
        accept: which optima count at all: one that swaps the components' meaning may have the
            better objective. Asked once per start.
        regularisation: added to the diagonal of every covariance, in squared units of ``points``.
        tolerance: EM stops when the objective (mean log-likelihood, plus the log-prior over N)
            gains less than this in an iteration; on the grid, where iterations are nearly free,
            a thousandth of it.
        max_iterations: for the grid, and again for the points.

    Raises:
        MixtureFitError: fewer than 2 K points, a value that is not finite, no spread at all, a
            covariance that is not positive definite in spite of ``regularisation``, or no
            optimum that is accepted.
    """
    columns = np.ascontiguousarray(np.asarray(points, dtype=np.float64).T)
    _check(columns, components, point_weights)
    data = Points(columns, columns.mean(axis=1), point_weights)
    loop = _Loop(covariance, data.shift, prior, regularisation, tolerance, max_iterations)
    exhaustive = replace(loop, tolerance=tolerance / 1000)
    if len(columns) in CELLS and columns.shape[1] >= GRID_FROM:
        cells = compress(data)
        begins = starts or [quantile_start(cells.means, components, cells.counts)]
        rough = exhaustive.best(begins, cells, accept)
        fit = loop.run(rough.mixture, data, rough.objective)
        return replace(fit, iterations=rough.iterations + fit.iterations).result()
    begins = starts or [quantile_start(columns.T, components, point_weights)]
    return exhaustive.best(begins, data, accept).result()


def quantile_start(points: Array, components: int, point_weights: Array | None = None) -> Mixture:
    """Initial mixture: the points sorted by their first coordinate, cut into K equal parts.

    Deterministic, so that components do not swap from run to run. The means are those of the
    parts; the covariance is that of all points, so that no component starts blind to the rest.

    Args:
        points: float64 (N, d).
        components: number of parts K.
        point_weights: float64 (N,), default 1 each.
    """
    weights = np.ones(len(points)) if point_weights is None else point_weights
    order = np.argsort(points[:, 0], kind="stable")
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    part = np.minimum((middle / weights.sum() * components).astype(np.int64), components - 1)
    middles = order[(2 * np.arange(components) + 1) * len(order) // (2 * components)]
    means = points[middles]
    for k in range(components):
        rows = order[part == k]
        if weights[rows].sum() > 0:
            means[k] = np.average(points[rows], axis=0, weights=weights[rows])
    d = points.shape[1]
    spread = np.cov(points.T, aweights=weights, bias=True).reshape(d, d)
    spread = spread + np.eye(d) * (1e-9 + 1e-6 * np.trace(spread))
    return Mixture(
        np.full(components, 1 / components), means, np.repeat(spread[None], components, 0)
    )


@dataclass(frozen=True)
class _Run:
    """Where one EM run ended; ``objective`` is what it maximised."""

    mixture: Mixture
    objective: float
    log_likelihood: float
    iterations: int
    converged: bool

    def result(self) -> MixtureFit:
        return MixtureFit(self.mixture, self.log_likelihood, self.iterations, self.converged)


@dataclass(frozen=True)
class _Loop:
    """EM on points or on grid cells, whose features have their origin at ``shift``."""

    covariance: Covariance
    shift: Array
    prior: Prior | None
    regularisation: float
    tolerance: float
    max_iterations: int

    def best(
        self,
        starts: Sequence[Mixture],
        data: Blocks,
        accept: Callable[[Mixture], bool] | None,
    ) -> _Run:
        """The accepted run that ends at the highest objective (the first of equals)."""
        runs: list[_Run] = []
        failure: MixtureFitError | None = None
        for start in starts:
            try:
                run = self.run(start, data)
            except MixtureFitError as error:  # a bad warm start must not spoil the good ones
                failure = error
                continue
            if accept is None or accept(run.mixture):
                runs.append(run)
        if not runs:
            raise failure or MixtureFitError("no start led to an acceptable mixture")
        return max(runs, key=lambda run: run.objective)

    def run(self, mixture: Mixture, data: Blocks, expected: float = -np.inf) -> _Run:
        """Iterate from ``mixture`` until the objective settles.

        ``expected`` is the objective that the grid promised for ``mixture``: when the points
        confirm it, one pass over them is enough.
        """
        last = expected
        for iteration in range(1, self.max_iterations + 1):
            sums, log_likelihood = expectation(mixture, data, self.shift)
            objective = log_likelihood
            if self.prior is not None:
                objective += self.prior.log_density(mixture) / float(sums[:, 0].sum())
            if not np.isfinite(objective):
                raise MixtureFitError(f"the mixture's log-likelihood is {objective}")
            run = _Run(mixture, objective, log_likelihood, iteration, converged=True)
            if abs(objective - last) < self.tolerance:
                return run
            last = objective
            mixture = self._maximisation(mixture, sums)
        return replace(run, converged=False)

    def _maximisation(self, old: Mixture, sums: Array) -> Mixture:
        """New mixture from the weighted feature sums (K, F) of each component."""
        d = old.means.shape[1]
        counts, first, second = sums[:, 0], sums[:, 1 : d + 1], np.empty((len(sums), d, d))
        upper = np.triu_indices(d)
        second[:, upper[0], upper[1]] = second[:, upper[1], upper[0]] = sums[:, d + 1 :]
        total, weights = counts, counts
        if self.prior is not None:
            pseudo, centre = np.array(self.prior.shapes), self.prior.centre
            at = centre.means - self.shift
            total = counts + pseudo
            first = first + pseudo[:, None] * at
            moment = centre.covariances + at[:, :, None] * at[:, None, :]
            second = second + pseudo[:, None, None] * moment
            weights = counts + self.prior.weights * centre.weights
        # A component that has lost every point keeps its place instead of becoming NaN.
        alive = total > 1e-10 * counts.sum()
        safe = np.where(alive, total, 1.0)[:, None]
        means = np.where(alive[:, None], first / safe, old.means - self.shift)
        scatter = second - total[:, None, None] * (means[:, :, None] * means[:, None, :])
        if self.covariance == "tied":
            pooled = scatter[alive].sum(axis=0) / total[alive].sum()
            covariances = np.repeat(pooled[None], len(sums), axis=0)
        else:
            own = scatter / safe[:, :, None]
            covariances = np.where(alive[:, None, None], own, old.covariances)
        return Mixture(
            np.maximum(weights / weights.sum(), 1e-300),
            means + self.shift,
            covariances + self.regularisation * np.eye(d),
        )


def _check(columns: Array, components: int, point_weights: Array | None) -> None:
    if columns.ndim != 2 or columns.shape[1] < 2 * components:
        raise MixtureFitError(
            f"{components} components can't be fitted to points of shape {columns.T.shape}",
            expected=f"at least {2 * components} points, shape (N, d)",
        )
    if not np.isfinite(columns).all():
        raise MixtureFitError("the points hold values that are not finite")
    if (columns.min(axis=1) == columns.max(axis=1)).all():
        raise MixtureFitError("all points are the same")
    if point_weights is not None and not (
        np.isfinite(point_weights).all() and point_weights.min() >= 0 and point_weights.sum() > 0
    ):
        raise MixtureFitError("the point weights must be finite, not negative, and not all zero")
