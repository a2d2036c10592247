"""What a set of masks and probabilities says about wrong pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixednoise.data.report import Report
from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.stratum import StratumEstimate
from mixednoise.segmentation.whole_masks import WholeMasks
from mixednoise.separation.confident_joint import Counts, Floats, thresholds_of


@dataclass(frozen=True)
class Estimate:
    """What a set of masks and probabilities says about wrong pixels.

    All numbers are over labelled pixels. With a band they are sums (thresholds: means) over band
    and interior; with ``pool='image'`` over the images.

    Attributes:
        class_counts: (K,) pixels per given class.
        thresholds: (K,) average self-confidence (equation 1); infinite for an absent class.
        counts: (K, K) confident counts C[given, guessed] (equation 3), diagonal at least 1.
        calibrated: (K, K) those scaled to ``class_counts`` (equation 4), integers.
        strata: the estimates that pixels are flagged by: ``all``, or ``interior`` and ``band``;
            empty with ``pool='image'``.
        images: how many were read.
        ignored_pixels: pixels that nobody has labelled.
        dtype: float32 or float64: what was computed in.
        settings: that it was made with.
        whole_masks: which masks are wrong as a whole; None with another rule.
        set_aside: name -> reason, of images that could not be read.
        judges: how many models judged the images that were read; None = not known.
        report: what the user should know.
    """

    class_counts: Counts
    thresholds: Floats
    counts: Counts
    calibrated: Counts
    strata: tuple[StratumEstimate, ...]
    images: int
    ignored_pixels: int
    dtype: np.dtype[Any]
    settings: ErrorSettings
    whole_masks: WholeMasks | None = None
    set_aside: dict[str, str] = field(default_factory=dict)
    judges: int | None = None
    report: Report = field(default_factory=Report)

    @property
    def pixels(self) -> int:
        """Labelled pixels."""
        return int(self.class_counts.sum())

    @property
    def joint(self) -> Floats:
        """(K, K) Q[i, j] = P(given class i, true class j); sums to 1 (equation 4)."""
        return np.asarray(self.calibrated / self.pixels)

    @property
    def transition(self) -> Floats:
        """(K, K) P(true class j | given class i); a row of NaN for an absent class."""
        rows = self.calibrated.sum(axis=1, keepdims=True)
        empty = np.full(self.calibrated.shape, np.nan)
        return np.asarray(np.divide(self.calibrated, rows, out=empty, where=rows > 0))

    @property
    def error_rate(self) -> Floats:
        """(K,) share of wrong pixels per given class; NaN for an absent class."""
        return 1 - self.transition.diagonal()

    @property
    def expected_errors(self) -> int:
        """Wrong pixels that the joint expects."""
        return int(self.calibrated.sum() - self.calibrated.trace())

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; infinite and undefined numbers are None."""
        return {
            "rule": self.settings.rule,
            "settings": self.settings.model_dump(),
            "images": self.images,
            "judges": self.judges,
            "pixels": self.pixels,
            "ignored_pixels": self.ignored_pixels,
            "expected_errors": self.expected_errors,
            "class_counts": self.class_counts.tolist(),
            "error_rate": _finite(self.error_rate),
            "thresholds": _finite(self.thresholds),
            "confident_counts": self.counts.tolist(),
            "calibrated_counts": self.calibrated.tolist(),
            "joint": self.joint.tolist(),
            "transition": _finite(self.transition),
            "strata": [
                {
                    "name": stratum.name,
                    "class_counts": stratum.class_counts.tolist(),
                    "thresholds": _finite(stratum.thresholds),
                    "confident_counts": stratum.counts.tolist(),
                    "calibrated_counts": stratum.calibrated.tolist(),
                }
                for stratum in self.strata
            ],
            "whole_masks": None if self.whole_masks is None else self.whole_masks.to_json(),
            "set_aside": dict(self.set_aside),
        }


def _finite(values: Floats) -> Any:
    nested = values.astype(object)
    nested[~np.isfinite(values)] = None
    return nested.tolist()


class EstimateSum:
    """Adds up the estimates of strata, or of images.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        self.class_counts = np.zeros(num_classes, np.int64)
        self.counts = np.zeros((num_classes, num_classes), np.int64)
        self.calibrated = self.counts.copy()
        self._confidence = np.zeros(num_classes)

    def add(self, stratum: StratumEstimate) -> None:
        """Take up one."""
        self.class_counts += stratum.class_counts
        self.counts += stratum.counts
        self.calibrated += stratum.calibrated
        present = stratum.class_counts > 0
        confidence = stratum.thresholds[present] * stratum.class_counts[present]
        self._confidence[present] += confidence

    def thresholds(self) -> Floats:
        """(K,) mean over the pixels; infinite for an absent class."""
        return thresholds_of(self._confidence, self.class_counts)
