"""Temperature: how sure a teacher should have been (Guo et al., ICML 2017).

Confident learning compares probabilities with their averages; a teacher that is too sure of itself
leaves no room between a doubtful pixel and a certain one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities

#: Temperatures that are looked at; beyond these a teacher is beyond repair.
LOWEST, HIGHEST = 0.25, 10.0
SMALLEST = 1e-6
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class TemperatureFit:
    """Gathers pixels of many images, then finds the temperature with the smallest log-loss.

    Args:
        pixels_per_image: how many pixels of an image are kept, drawn at random; memory grows by
            these alone.
        rng: draws them.
    """

    def __init__(self, *, pixels_per_image: int = 500, rng: np.random.Generator) -> None:
        self.pixels_per_image, self.rng = pixels_per_image, rng
        self._log: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        self._label: list[Mask] = []

    def add(self, mask: Mask, probabilities: Probabilities) -> None:
        """Keep some pixels of one image.

        Args:
            mask: uint8 (*S), class or IGNORE; the given one, since no other is known.
            probabilities: (K, *S), of a teacher that has not seen it.
        """
        labels = mask.reshape(-1)
        usable = np.flatnonzero(labels != IGNORE)
        if not len(usable):
            return
        most = min(self.pixels_per_image, len(usable))
        chosen = self.rng.choice(usable, size=most, replace=False)
        picked = probabilities.reshape(len(probabilities), -1)[:, chosen].astype(np.float32)
        self._log.append(np.log(np.maximum(picked, SMALLEST)))
        self._label.append(labels[chosen])

    def temperature(self) -> float:
        """The temperature T > 0: probabilities become softmax(log p / T). 1 without any pixels."""
        if not self._log:
            return 1.0
        from scipy.optimize import minimize_scalar
        from scipy.special import logsumexp

        log = np.concatenate(self._log, axis=1).astype(np.float64)
        given = log[np.concatenate(self._label), np.arange(log.shape[1])]

        def loss(log_temperature: float) -> float:
            beta = np.exp(-log_temperature)
            return float(np.mean(logsumexp(log * beta, axis=0) - given * beta))

        bounds = (np.log(LOWEST), np.log(HIGHEST))
        return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def tempered(probabilities: Probabilities, temperature: float) -> Probabilities:
    """softmax(log p / T) over the first axis, float32 (K, *S); a copy."""
    if temperature == 1.0:
        return probabilities.astype(np.float32)
    log = np.log(np.maximum(probabilities.astype(np.float32), SMALLEST)) / np.float32(temperature)
    log -= log.max(axis=0, keepdims=True)
    np.exp(log, out=log)
    log /= log.sum(axis=0, keepdims=True)
    return log
