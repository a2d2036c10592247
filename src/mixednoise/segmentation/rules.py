"""Which pixels are flagged as wrong (equation 5)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.labels import ErrorMap, Mask
from mixednoise.segmentation.pixel_blocks import (
    UNDECIDED,
    blocks,
    disagreements,
    limit_of_margin,
    margins,
    take,
    undecided,
)
from mixednoise.segmentation.rank_cutoff import Cutoffs
from mixednoise.segmentation.stratum import StratumEstimate
from mixednoise.separation.confident_joint import TOLERANCE, confidence_bounds, confident_guess

Array = np.ndarray[Any, Any]


def disagreeing(mask: Mask, probabilities: Array, dtype: np.dtype[Any]) -> ErrorMap:
    """Every pixel whose most probable class is not the given one (``argmax``).

    Args:
        mask: uint8 (*S); 255 is never flagged.
        probabilities: (K, *S).
        dtype: float32 or float64: what is computed in.
    """
    flagged = np.zeros(mask.size, bool)
    flat = probabilities.reshape(len(probabilities), -1)
    for start, classes, block in blocks(mask.reshape(-1), flat, dtype):
        flagged[start + disagreements(classes, block, TOLERANCE)[0]] = True
    return flagged.reshape(mask.shape)


class Flagger:
    """Flags the pixels of one stratum, image by image, in the order of the estimate.

    Args:
        estimate: made with the same rule and temperature.
        settings: rule and temperature count here.
        dtype: that of the estimate.
    """

    def __init__(
        self, estimate: StratumEstimate, settings: ErrorSettings, dtype: np.dtype[Any]
    ) -> None:
        self._rule, self._dtype = settings.pixel_rule, dtype
        self._temperature = settings.temperature
        self._bounds = confidence_bounds(estimate.thresholds, dtype)
        self._by_class, self._by_rate = estimate.by_class, estimate.by_rate
        self._limits = np.full(len(self._bounds), UNDECIDED, dtype)
        if self._by_class is not None and self._rule != "union":
            # No pixel above the cut-off of its class is flagged.
            self._limits = np.minimum(self._limits, self._by_class.values)
        if self._by_rate is not None:
            # Nor is one with larger margins than all cut-offs of its class.
            largest = self._by_rate.values.reshape(len(self._bounds), -1).max(axis=1)
            limits = limit_of_margin(np.minimum(largest, UNDECIDED)).astype(dtype)
            # Ties are counted at either kind of cut-off, whatever the other one says.
            both = self._by_class is not None
            self._limits = np.maximum(self._limits, limits) if both else limits
        # Ties that are still to be chosen, counted down from image to image.
        none = np.zeros(0, np.int64)
        self._class_ties = none if self._by_class is None else self._by_class.ties.copy()
        self._rate_ties = none if self._by_rate is None else self._by_rate.ties.copy()

    def flag(self, given: Mask, probabilities: Array) -> ErrorMap:
        """Flagged pixels of the next image.

        Args:
            given: (n,) uint8 classes; 255 is never flagged.
            probabilities: (K, n).
        """
        flagged = np.zeros(len(given), bool)
        for start, classes, block in blocks(given, probabilities, self._dtype, self._temperature):
            places = undecided(classes, block, self._limits)
            if places.size:
                few = take(block, places)
                wrong = self._decide(classes[places].astype(np.intp), few)
                flagged[start + places[wrong]] = True
        return flagged

    def _decide(self, given: Array, probabilities: Array) -> Array:
        own = probabilities[given, np.arange(given.size)]
        disagrees = probabilities.max(axis=0) > own + self._dtype.type(TOLERANCE)
        if self._rule == "argmax":
            return np.asarray(disagrees)
        chosen: list[Array] = []
        if self._rule in ("C", "intersection", "union"):
            guess = confident_guess(probabilities, self._bounds)
            chosen.append((guess >= 0) & (guess != given))
        if self._by_class is not None:
            chosen.append(self._prune_by_class(self._by_class, given, own))
        if self._by_rate is not None:
            chosen.append(self._prune_by_rate(self._by_rate, given, probabilities))
        combine = np.logical_or if self._rule == "union" else np.logical_and
        return np.asarray(combine.reduce(chosen) & disagrees)

    def _prune_by_class(self, cutoffs: Cutoffs, given: Array, own: Array) -> Array:
        if self._by_rate is None:
            return cutoffs.choose(given, own, self._class_ties)
        chosen = np.zeros(given.size, bool)
        places = np.flatnonzero(own <= UNDECIDED)
        chosen[places] = cutoffs.choose(given[places], own[places], self._class_ties)
        return chosen

    def _prune_by_rate(self, cutoffs: Cutoffs, given: Array, probabilities: Array) -> Array:
        chosen = np.zeros(given.size, bool)
        places, keys, values = margins(given, probabilities, UNDECIDED)
        chosen[places[cutoffs.choose(keys, values, self._rate_ties)]] = True
        return chosen
