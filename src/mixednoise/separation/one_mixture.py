"""QMix's own separation: a 3-component 2-D Gaussian mixture, one per given class (Eq. 3-4)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from mixednoise.separation import axes
from mixednoise.separation.case import UNJUDGED, Case, Fallback, halves
from mixednoise.separation.em import fit_mixture
from mixednoise.separation.memory import recall, remember
from mixednoise.separation.mixture import Array, Mixture, MixtureFitError


def name_components(means: Array) -> tuple[int, list[int], int]:
    """Which components are ``correct``, ``mis_h`` (one or more) and ``mis_l``.

    Args:
        means: float64 (K, 2), K >= 3, columns loss and entropy (or axes increasing in them).
            ``mis_l`` has the largest mean entropy; of the others, ``correct`` has the lowest mean
            loss. The order of the components does not matter.
    """
    mis_l = int(np.argmax(means[:, 1]))
    others = [k for k in range(len(means)) if k != mis_l]
    correct = min(others, key=lambda k: means[k, 0])
    return correct, [k for k in others if k != correct], mis_l


class OneMixture:
    """Judge a case by one mixture per class, or by one for all classes."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.points = np.full((len(case.loss), 2), np.nan)
        loss, entropy = case.loss[case.finite], case.entropy[case.finite]
        if len(loss):
            self.points[case.finite] = self._axes(loss, entropy)

    def judge(self) -> tuple[Array, list[Fallback]]:
        """P(correct), P(mis_h), P(mis_l), float64 (N, 3), and each class's fallback."""
        p = np.tile(np.array(UNJUDGED), (len(self.points), 1))
        fallbacks: list[Fallback] = []
        for label, rows in enumerate(self.case.rows):
            mixture, fallback = self._mixture(label)
            if mixture is None:
                p[rows], fallback = halves(self.case, rows), "halves"
            else:
                known = rows[self.case.finite[rows]]
                p[known] = _posterior(mixture, self.points[known])
            fallbacks.append(fallback)
        return p, fallbacks

    def _mixture(self, label: int) -> tuple[Mixture | None, Fallback]:
        """What judges a class, and which fallback that is."""
        if not self.case.settings.per_class:
            return self._all_classes, ""
        own = self._class_fit(label)
        return (self._all_classes, "all_classes") if own is None else (own, "")

    def _axes(self, loss: Array, entropy: Array) -> Array:
        if self.case.settings.axes == "minmax":
            return np.stack([axes.minmax(loss), axes.minmax(entropy)], axis=1)
        columns = axes.surprise(loss, entropy), axes.uncertainty(entropy, self.case.num_classes)
        return np.stack([(x - (at := axes.spread(x))[0]) / (at[1] or 1.0) for x in columns], axis=1)

    @cached_property
    def _all_classes(self) -> Mixture | None:
        """The mixture over all classes; fitted when first needed."""
        return self._fit("all", self.points[self.case.finite])

    def _class_fit(self, label: int) -> Mixture | None:
        if not self.case.can_be_fitted(label):
            return None
        share = self.case.settings.minimum_component_share
        return self._fit(f"class{label}", self.points[self.case.rows[label]], share)

    def _fit(self, name: str, points: Array, minimum_share: float = 0.0) -> Mixture | None:
        """Fit from last epoch's mixture, else anew; None = neither holds every component."""
        settings = self.case.settings
        for starts in (recall(self.case.past, name, (settings.components, 2)), []):
            try:
                mixture = fit_mixture(
                    points,
                    components=settings.components,
                    covariance=settings.covariance,
                    starts=starts,
                    regularisation=settings.regularisation,
                    tolerance=settings.tolerance,
                    max_iterations=settings.max_iterations,
                ).mixture
            except MixtureFitError:
                continue
            if mixture.weights.min() >= minimum_share:
                remember(self.case.state, name, mixture)
                return mixture
        return None


def _posterior(mixture: Mixture, points: Array) -> Array:
    correct, mis_h, mis_l = name_components(mixture.means)
    w = mixture.posterior(points)
    return np.stack([w[:, correct], w[:, mis_h].sum(axis=1), w[:, mis_l]], axis=1)
