"""The estimate for one set of pixels: thresholds, confident joint, cut-offs, flags.

Pixels come image by image, in several rounds: all of them for the thresholds, all of them for the
counts, then, while the cut-offs are not known yet, all of them again. Ties are broken by that
order: images as they come, then pixels in memory order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.labels import Mask, SampleRule
from mixednoise.segmentation.pixel_blocks import (
    UNDECIDED,
    blocks,
    copy_where,
    limit_of_margin,
    margins,
    take,
    undecided,
)
from mixednoise.segmentation.rank_cutoff import BUFFER_SIZE, Cutoffs, RankCutoff
from mixednoise.separation.confident_joint import (
    Counts,
    Floats,
    calibrate,
    confidence_bounds,
    confident_guess,
    prune_counts,
    thresholds_of,
)

Array = np.ndarray[Any, Any]

#: Rules with cut-offs per class, and per pair of classes.
_BY_CLASS: frozenset[SampleRule] = frozenset({"Q", "both", "intersection", "union"})
_BY_RATE: frozenset[SampleRule] = frozenset({"PBNR", "both"})
#: Margins that are ranked at first, up to a tie of both classes: seldom is any other needed.
_FIRST_REACH = 0.0


@dataclass(frozen=True)
class StratumEstimate:
    """What is known about one set of pixels.

    Attributes:
        name: ``all``, ``interior`` or ``band``.
        class_counts: (K,) pixels per given class.
        thresholds: (K,) average self-confidence (equation 1); infinite for an absent class.
        counts: (K, K) confident counts C[given, guessed] (equation 3).
        calibrated: (K, K) counts scaled to ``class_counts`` (equation 4), integers.
        by_class: cut-offs of p_i, keyed by class; None where the rule needs none.
        by_rate: cut-offs of p_i - p_j, keyed by i K + j; None where the rule needs none.
    """

    name: str
    class_counts: Counts
    thresholds: Floats
    counts: Counts
    calibrated: Counts
    by_class: Cutoffs | None = field(default=None, repr=False)
    by_rate: Cutoffs | None = field(default=None, repr=False)


class StratumEstimator:
    """Takes up pixels and makes a :class:`StratumEstimate` of them.

    Args:
        name: of the estimate.
        num_classes: K.
        settings: rule and temperature count here.
        buffer_size: of :class:`~mixednoise.segmentation.rank_cutoff.RankCutoff`.
    """

    def __init__(
        self, name: str, num_classes: int, settings: ErrorSettings, buffer_size: int = BUFFER_SIZE
    ) -> None:
        self.name, self._classes = name, num_classes
        self._rule, self._temperature = settings.pixel_rule, settings.temperature
        self._buffer_size = buffer_size
        self._sums = np.zeros(num_classes)
        self._class_counts = np.zeros(num_classes, np.int64)
        self._counts = np.zeros((num_classes, num_classes), np.int64)
        self._calibrated: Counts | None = None
        self._by_class: RankCutoff | None = None
        self._by_rate: RankCutoff | None = None

    def add_confidence(self, given: Mask, probabilities: Array, dtype: np.dtype[Any]) -> None:
        """First round: self-confidence (equation 1); arguments as for all rounds.

        Args:
            given: (n,) uint8 classes; 255 is left out.
            probabilities: (K, n).
            dtype: float32 or float64: what is computed in.
        """
        for _, classes, block in blocks(given, probabilities, dtype, self._temperature):
            chosen = np.empty(len(classes), dtype)
            for k, of_class in enumerate(block):
                mine = classes == k
                n = np.count_nonzero(mine)
                if n:
                    self._class_counts[k] += n
                    chosen.fill(0)
                    copy_where(mine, of_class, chosen)
                    # OpenCV adds up in float64, faster than numpy does.
                    self._sums[k] += cv2.sumElems(chosen.reshape(1, -1))[0]

    def start_counting(self, dtype: np.dtype[Any]) -> None:
        """Between the first and the second round; ``dtype`` is that of all further rounds."""
        self._dtype = dtype
        self._thresholds = thresholds_of(self._sums, self._class_counts)
        self._bounds = confidence_bounds(self._thresholds, dtype)
        self._limits = np.full(self._classes, UNDECIDED, dtype)
        if self._rule in _BY_CLASS:
            self._by_class = RankCutoff(self._classes, dtype, buffer_size=self._buffer_size)
        if self._rule in _BY_RATE:
            self._rank_margins(_FIRST_REACH)
        self._ranked = self._by_class is not None or self._by_rate is not None

    def add_counts(self, given: Mask, probabilities: Array) -> None:
        """Second round: confident counts (equation 3), and values for the cut-offs."""
        for _, classes, block in blocks(given, probabilities, self._dtype, self._temperature):
            self._count_block(classes, block)

    def _rank_margins(self, reach: float) -> None:
        """Start to rank margins up to ``reach``."""
        self._reach = reach
        self._by_rate = RankCutoff(self._classes**2, self._dtype, buffer_size=self._buffer_size)

    def _count_block(self, given: Mask, probabilities: Array) -> None:
        any_confident = np.zeros(len(given), bool)
        settled, low = any_confident.copy(), any_confident.copy()
        half = self._dtype.type(UNDECIDED)
        for k, of_class in enumerate(probabilities):
            confident = of_class >= self._bounds[k]
            any_confident |= confident
            mine = given == k
            if not mine.any():
                continue
            if self._ranked:
                is_low = of_class <= self._limits[k]
                is_low &= mine
                low |= is_low
            # Confident in the given class and above one half: the guess is the given class,
            # however many others are confident too. Most pixels are settled by that.
            mine &= confident
            if self._bounds[k] <= half:
                mine &= of_class > half
            self._counts[k, k] += np.count_nonzero(mine)
            settled |= mine
        np.greater(any_confident, settled, out=any_confident)
        any_confident &= given < self._classes
        places = np.flatnonzero(any_confident | low)
        few, few_given = take(probabilities, places), given[places].astype(np.intp)
        open_ones = np.flatnonzero(any_confident[places])
        guess = confident_guess(take(few, open_ones), self._bounds)
        pairs = few_given[open_ones] * self._classes + guess
        self._counts += np.bincount(pairs, minlength=self._counts.size).reshape(self._counts.shape)
        self._add_ranks(few_given, few)

    def _add_ranks(self, given: Array, probabilities: Array) -> None:
        if self._by_class is not None and not self._by_class.done:
            own = probabilities[given, np.arange(given.size)]
            chosen = np.flatnonzero(own <= UNDECIDED)
            self._by_class.add(given[chosen], own[chosen])
        if self._by_rate is not None and not self._by_rate.done:
            self._by_rate.add(*margins(given, probabilities, self._reach)[1:])

    def add_ranks(self, given: Mask, probabilities: Array) -> None:
        """A further round, while :attr:`unfinished`."""
        for _, classes, block in blocks(given, probabilities, self._dtype, self._temperature):
            places = undecided(classes, block, self._limits)
            self._add_ranks(classes[places].astype(np.intp), take(block, places))

    def margins(self) -> tuple[Counts, Counts]:
        """After the second round: confident counts, diagonal at least 1, and items per class."""
        np.fill_diagonal(self._counts, np.maximum(self._counts.diagonal(), 1))
        return self._counts, self._class_counts

    def close_round(self, calibrated: Counts | None = None) -> None:
        """After the second and every further round.

        Args:
            calibrated: the calibrated counts, after the second round; None = by :func:`calibrate`.
        """
        if self._calibrated is None:
            self._calibrated = calibrate(*self.margins()) if calibrated is None else calibrated
        prune = prune_counts(self._calibrated, self._class_counts)
        if self._by_class is not None and not self._by_class.done:
            self._by_class.close(prune.diagonal())
        if self._by_rate is not None and not self._by_rate.done:
            np.fill_diagonal(prune, 0)
            self._by_rate.close(prune.ravel())
            if self._by_rate.short and self._reach < UNDECIDED:
                self._limits[:] = limit_of_margin(np.asarray(UNDECIDED))
                self._rank_margins(UNDECIDED)

    @property
    def unfinished(self) -> bool:
        """Whether another round is needed."""
        return any(cut is not None and not cut.done for cut in (self._by_class, self._by_rate))

    def estimate(self) -> StratumEstimate:
        """The result, once nothing is :attr:`unfinished`."""
        assert self._calibrated is not None, "close_round comes first"  # noqa: S101
        return StratumEstimate(
            name=self.name,
            class_counts=self._class_counts,
            thresholds=self._thresholds,
            counts=self._counts,
            calibrated=self._calibrated,
            by_class=self._by_class.cutoffs if self._by_class else None,
            by_rate=self._by_rate.cutoffs if self._by_rate else None,
        )
