"""What a separation model is given, and what every model needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from scipy.special import entr

from mixednoise.separation.memory import State
from mixednoise.separation.mixture import Array
from mixednoise.separation.settings import SeparationSettings

#: '' = judged by the class's own fit; otherwise what stood in for it.
Fallback = Literal["", "all_classes", "halves"]

#: p of a sample whose loss or entropy is not a number: it can't be called correct.
UNJUDGED = (0.0, 0.5, 0.5)


@dataclass(frozen=True)
class Case:
    """One epoch's evidence.

    Attributes:
        loss: float64 (N,), averaged over epochs where asked for.
        entropy: float64 (N,), likewise.
        labels: int64 (N,), in [0, C).
        num_classes: C.
        settings: how to judge.
        past: last epoch's state, for warm starts.
        state: this epoch's state; models store their fits in it.
        unusual: float64 (N,), how unlike the others each image looks, or None.
        right_shares: float64 (C,), share of right labels in every given class, or None.
    """

    loss: Array
    entropy: Array
    labels: np.ndarray[Any, np.dtype[np.int64]]
    num_classes: int
    settings: SeparationSettings
    past: Mapping[str, Any] | None
    state: State
    unusual: Array | None = None
    right_shares: Array | None = None

    @cached_property
    def finite(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which samples can be judged, bool (N,)."""
        return np.isfinite(self.loss) & np.isfinite(self.entropy)

    @cached_property
    def entropy_of_classes(self) -> float:
        """Entropy of the shares of the given labels, in nats: of who knows nothing but these."""
        shares = np.bincount(self.labels, minlength=self.num_classes) / max(len(self.labels), 1)
        return float(entr(shares).sum())

    @cached_property
    def rows(self) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
        """Row numbers of each class, in ascending order."""
        order = np.argsort(self.labels, kind="stable")
        ends = np.cumsum(np.bincount(self.labels, minlength=self.num_classes))
        return np.split(order, ends[:-1])

    def can_be_fitted(self, label: int) -> bool:
        """Whether a class has enough samples, all of them finite, for a fit of its own."""
        rows = self.rows[label]
        return len(rows) >= self.settings.minimum_class_size and bool(self.finite[rows].all())


def halves(case: Case, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Array:
    """The last resort, p float64 (n, 3) of a class's rows, without any fit.

    The half with the lowest loss is ``correct`` (never empty); the rest is ``mis_l`` where its
    entropy is above the rest's median, else ``mis_h``. A loss that is not a number counts as
    the highest.
    """
    out = np.zeros((len(rows), 3))
    order = np.argsort(case.loss[rows], kind="stable")
    kept, rest = np.split(order, [(len(rows) + 1) // 2])
    out[kept, 0] = 1.0
    entropy = case.entropy[rows[rest]]
    known = entropy[np.isfinite(entropy)]
    unreadable = entropy > (np.median(known) if len(known) else np.inf)
    out[rest, np.where(unreadable, 2, 1)] = 1.0
    return out
