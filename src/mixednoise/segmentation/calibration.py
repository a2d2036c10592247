"""What a teacher should have said: its probabilities made fit for comparison.

``temperature``: how sure it should have been (Guo et al., ICML 2017). Confident learning compares
probabilities with their averages; a teacher that is too sure of itself leaves no room between a
doubtful pixel and a certain one.

``shares``: how often it should have named every class. Where half of the masks of a small structure
are wrong, hardly any pixel of it reaches a probability of one half, and its most probable class is
the background nearly everywhere. An offset per class makes each class as common among the most
probable ones as it is in the given masks.

``auto``: ``shares`` where a teacher overlooks a class (it names it less than half as often as the
masks that it judges have it), else nothing. Where teachers do see every class, masks that are too
large or too small on average are better told from their judgement as it is: shares would hold on
to the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities

Calibrate = Literal["none", "temperature", "shares", "auto"]
#: A class is overlooked where it is named less often than this share of its given pixels.
OVERLOOKED = 0.5
#: Temperatures that are looked at; beyond these a teacher is beyond repair.
LOWEST, HIGHEST = 0.25, 10.0
SMALLEST = 1e-6
#: Pixels that a fit looks at: most per image, and most of all images (32 MB for two classes).
PIXELS_PER_IMAGE, PIXELS = 4000, 2_000_000
#: Rounds over the classes until their shares fit; with two classes the first one does.
ROUNDS = 50
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Calibration:
    """p becomes softmax((log p + offsets) / temperature).

    Attributes:
        temperature: above 0; above 1 = less sure.
        offsets: one per class; () = none.
    """

    temperature: float = 1.0
    offsets: tuple[float, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether it does anything."""
        return self.temperature != 1.0 or any(self.offsets)

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """Calibrated probabilities (K, *S), float32; a copy."""
        values = probabilities.astype(np.float32)
        if self.temperature != 1.0:
            np.maximum(values, SMALLEST, out=values)
            values /= values.max(axis=0, keepdims=True)
            np.power(values, np.float32(1 / self.temperature), out=values)
        if self.offsets:
            weights = np.exp(np.asarray(self.offsets) / self.temperature).astype(np.float32)
            values *= weights.reshape(-1, *[1] * (values.ndim - 1))
        if self.changes:
            values /= values.sum(axis=0, keepdims=True)
        return values

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"temperature": self.temperature, "offsets": list(self.offsets)}

    @property
    def kind(self) -> Calibrate:
        """How it was fitted."""
        return "shares" if self.offsets else "none" if self.temperature == 1.0 else "temperature"

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Calibration:
        """What :meth:`to_json` wrote."""
        return cls(float(values["temperature"]), tuple(float(b) for b in values["offsets"]))

    def __str__(self) -> str:
        """For people: ``temperature 1.30``, ``offsets 0.00, 0.35``."""
        if not self.changes:
            return "probabilities as they are"
        if self.offsets:
            return "offsets " + ", ".join(f"{offset:.2f}" for offset in self.offsets)
        return f"temperature {self.temperature:.2f}"


class CalibrationFit:
    """Gathers pixels of many images, then fits.

    Args:
        images: how many will come: so many pixels of each are kept, drawn at random, that memory
            doesn't grow with their number.
        rng: draws them.
    """

    def __init__(self, images: int, *, rng: np.random.Generator) -> None:
        self._most = min(PIXELS_PER_IMAGE, max(1, PIXELS // max(1, images)))
        self._rng = rng
        self._log: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        self._label: list[Mask] = []
        self._pixels = np.zeros(IGNORE + 1, np.int64)

    def add(self, mask: Mask, probabilities: Probabilities) -> None:
        """Keep some pixels of one image.

        Args:
            mask: uint8 (*S), class or IGNORE; the given one, since no other is known.
            probabilities: (K, *S), of a teacher that has not seen it.
        """
        labels = mask.reshape(-1)
        self._pixels += np.bincount(labels, minlength=IGNORE + 1)
        usable = np.flatnonzero(labels != IGNORE)
        if not len(usable):
            return
        chosen = self._rng.choice(usable, size=min(self._most, len(usable)), replace=False)
        picked = probabilities.reshape(len(probabilities), -1)[:, chosen].astype(np.float32)
        self._log.append(np.log(np.maximum(picked, SMALLEST)))
        self._label.append(labels[chosen])

    @property
    def classes(self) -> int:
        """K, 0 without any pixels."""
        return len(self._log[0]) if self._log else 0

    @property
    def pixels(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """(256,) pixels of every class, of all images whole; without IGNORE."""
        counts = self._pixels.copy()
        counts[IGNORE] = 0
        return counts

    def named(self, classes: int) -> tuple[FloatArray, FloatArray]:
        """Of the pixels that were kept, how many are given (K,) and named (K,) as each class."""
        given, named = np.zeros(classes), np.zeros(classes)
        for log, labels in zip(self._log, self._label, strict=True):
            given += np.bincount(labels, minlength=classes)
            named += np.bincount(log.argmax(axis=0), minlength=classes)
        return given, named

    def fit(
        self, kind: Calibrate, pixels: np.ndarray[Any, np.dtype[np.int64]] | None = None
    ) -> Calibration:
        """The calibration of that kind; one that changes nothing without any pixels.

        Args:
            kind: ``none``, ``temperature``, ``shares``, or ``auto`` by these images alone
                (:func:`settled` for those of several teachers).
            pixels: (256,) per class, of which ``shares`` takes the shares of the classes, those of
                a larger set; None = of the images that were added.
        """
        kind = settled(kind, [self])
        if kind == "none" or not self._log:
            return Calibration()
        log = np.concatenate(self._log, axis=1).astype(np.float64)
        labels = np.concatenate(self._label)
        if kind == "temperature":
            return Calibration(temperature=_temperature(log, labels))
        whole = (self.pixels if pixels is None else pixels)[: len(log)]
        counts = np.round(whole / whole.sum() * len(labels)).astype(np.int64)
        return Calibration(offsets=tuple(_offsets(log, counts).tolist()))


def settled(kind: Calibrate, fits: Sequence[CalibrationFit]) -> Calibrate:
    """What ``auto`` comes to for teachers that share a set; any other kind is itself.

    Args:
        kind: wanted.
        fits: one per teacher, with the pixels that it judged.
    """
    if kind != "auto":
        return kind
    classes = max((fit.classes for fit in fits), default=0)
    for fit in fits:
        given, named = fit.named(classes)
        if (named < OVERLOOKED * given).any():
            return "shares"
    return "none"


def _temperature(log: FloatArray, labels: Mask) -> float:
    from scipy.optimize import minimize_scalar
    from scipy.special import logsumexp

    given = log[labels, np.arange(log.shape[1])]

    def loss(log_temperature: float) -> float:
        beta = np.exp(-log_temperature)
        return float(np.mean(logsumexp(log * beta, axis=0) - given * beta))

    bounds = (np.log(LOWEST), np.log(HIGHEST))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))


def _offsets(log: FloatArray, counts: np.ndarray[Any, Any]) -> FloatArray:
    """Offsets b with which class k is argmax_k(log p_k + b_k) for ``counts[k]`` pixels.

    One class after the other is given the offset that makes its own number right (the dual of an
    assignment problem, which has one optimum). Classes that no mask has keep the offset 0.

    Args:
        log: (K, n).
        counts: (K,), sum n.
    """
    offsets = np.zeros(len(log))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return offsets
    # The most common class is the point of reference: only differences count.
    movable = [k for k in present if k != counts.argmax()]
    for _ in range(ROUNDS if len(movable) > 1 else 1):
        before = offsets.copy()
        for k in movable:
            shifted = log + offsets[:, None]
            shifted[k] = -np.inf
            gap = shifted.max(axis=0) - log[k]  # the offset from which a pixel is of class k
            at = int(np.clip(counts[k], 1, len(gap) - 1))
            around = np.partition(gap, [at - 1, at])[at - 1 : at + 1]
            offsets[k] = around.mean()
        if np.abs(offsets - before).max() < 1e-4:
            break
    return offsets
