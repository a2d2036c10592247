"""What the network said of every training sample while it was learning, and whom to trust by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mixednoise.methods.base import FloatArray, IntArray
from mixednoise.separation.confident_joint import wrong_shares_of_biased

BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


class Looks:
    """A running mean of the predictions for every training sample; a look = one batch with it.

    Args:
        labels: given labels, int64 (N,).
        num_classes: C.
        memory: share of the earlier mean at every further look; 0 = the last look alone.

    Attributes:
        p: float32 (N, C), the mean; rows of samples not seen yet are the given label.
        total: int64 (N,), looks so far.
        agreed: int64 (N,), those in which the given label was the most probable class.
    """

    def __init__(self, labels: IntArray, num_classes: int, memory: float) -> None:
        self.memory = memory
        self._labels = torch.from_numpy(labels)
        self.p = torch.nn.functional.one_hot(self._labels, num_classes).float()
        self.total = torch.zeros(len(labels), dtype=torch.int64)
        self.agreed = torch.zeros(len(labels), dtype=torch.int64)

    def add(self, rows: Tensor, p: Tensor) -> None:
        """Take in the predictions p (B, C) for the samples ``rows`` (B,)."""
        rows, p = rows.cpu(), p.detach().float().cpu()
        # A sample that comes twice (several processes fill up their last round) counts once.
        keep = torch.where((self.total[rows] > 0)[:, None], self.memory, 0.0)
        self.p[rows] = keep * self.p[rows] + (1 - keep) * p
        self.total[rows] += 1
        self.agreed[rows] += (p.argmax(dim=1) == self._labels[rows]).long()

    @property
    def mean(self) -> FloatArray:
        """The mean predictions, float64 (N, C)."""
        values: FloatArray = self.p.numpy().astype(np.float64)
        return values

    @property
    def self_confidence(self) -> FloatArray:
        """a_i = P_i[given label], float64 (N,)."""
        chosen = self.p[torch.arange(len(self._labels)), self._labels]
        values: FloatArray = chosen.numpy().astype(np.float64)
        return values

    @property
    def seen(self) -> BoolArray:
        """Whether a sample was looked at, bool (N,): of sample weight 0 none ever is."""
        return np.asarray(self.total.numpy() > 0)

    def wrong_shares(self) -> FloatArray:
        """Estimated share of wrong labels per class (C,): of the samples that were looked at.

        Of all of them as long as a class has none.
        """
        labels: IntArray = self._labels.numpy()
        seen = self.seen
        if len(np.unique(labels[seen])) < len(np.unique(labels)):
            seen = np.ones(len(labels), dtype=bool)
        return wrong_shares_of_biased(labels[seen], self.mean[seen])

    def state_dict(self) -> dict[str, Any]:
        """Tensors for a checkpoint."""
        return {"p": self.p, "total": self.total, "agreed": self.agreed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back :meth:`state_dict`."""
        self.p, self.total, self.agreed = state["p"], state["total"], state["agreed"]


def trusted(labels: IntArray, confidence: FloatArray, untrusted_shares: FloatArray) -> BoolArray:
    """The most self-confident samples of each given class.

    Args:
        labels: given labels (N,).
        confidence: a_i (N,); ties are broken by row, earlier rows first.
        untrusted_shares: t_c (C,), in [0, 1].

    Returns:
        kappa, bool (N,): True for the top floor((1 - t_c) |R_c|) of class c.
    """
    sizes = np.bincount(labels, minlength=len(untrusted_shares))
    # The hair keeps (1 - 0.9) * 10 = 0.99... from losing its sample.
    quota = np.floor((1 - untrusted_shares) * sizes + 1e-9).astype(np.int64)
    order = np.lexsort((-confidence, labels))
    first = np.cumsum(sizes) - sizes
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - first[labels[order]]
    chosen: BoolArray = place < quota[labels]
    return chosen


def chance_of_right(labels: IntArray, confidence: FloatArray, kappa: BoolArray) -> FloatArray:
    """Self-confidence as a chance that is above one half for the trusted, and for them alone.

    The odds of each class are scaled so that its cut, half way between the last trusted and the
    first untrusted sample, comes to 1:1; the order within a class stays.

    Args:
        labels: given labels (N,).
        confidence: a_i (N,), in [0, 1].
        kappa: who is trusted (N,), the most confident of each class.

    Returns:
        float64 (N,), in (0, 1).
    """
    a = np.clip(confidence, 1e-6, 1 - 1e-6)
    odds = np.log(a) - np.log1p(-a)
    result = np.empty(len(labels))
    for label in np.unique(labels):
        mine = labels == label
        inside, outside = odds[mine & kappa], odds[mine & ~kappa]
        # Without one side, the cut is the usual one half, or beyond the last sample.
        lowest = inside.min() if len(inside) else max(0.0, outside.max()) + 1.0
        highest = outside.max() if len(outside) else min(0.0, lowest) - 1.0
        result[mine] = odds[mine] - (lowest + highest) / 2
    chance: FloatArray = 1 / (1 + np.exp(-result))
    # Equal confidence on both sides of a cut: the verdict stands, by a hair.
    hair = 1e-9
    return np.where(kappa, np.maximum(chance, 0.5 + hair), np.minimum(chance, 0.5 - hair))
