"""What the loop trains on: rows of a pixel store with their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.methods.base import FloatArray, IntArray
from mixednoise.training.batches import Pixels


@dataclass(frozen=True)
class Part:
    """One split.

    Attributes:
        store_rows: row of each sample in the pixel store, int64 (N,).
        labels: given labels, int64 (N,).
        weights: how often an epoch learns from each sample on average, float64 (N,); None = once.
    """

    store_rows: IntArray
    labels: IntArray
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.store_rows)


@dataclass(frozen=True)
class TrainingData:
    """Pixels and labels of a run.

    Attributes:
        pixels: images by store row.
        train: the samples that are learned.
        val: the samples that choose the best epoch; may be empty.
        class_names: C names.
        ordinal: the classes are grades in order.
        image_size: side of the images in pixels.
        noise_group: known truth of the training samples (correct, mis_h, mis_l), or None. Read by
            evaluation alone; methods never get it.
        fingerprint: tells whether a resumed run sees the same data.
    """

    pixels: Pixels
    train: Part
    val: Part
    class_names: tuple[str, ...]
    ordinal: bool
    image_size: int
    fingerprint: str
    noise_group: Sequence[str] | None = None

    def channel_statistics(self, most: int = 512) -> tuple[list[float], list[float]]:
        """Mean and standard deviation per channel over (at most ``most``) training images, [0, 1].

        Evenly spaced samples: no randomness, and cost that does not grow with the set.
        """
        chosen = np.unique(np.linspace(0, len(self.train) - 1, most).astype(np.int64))
        count, total, squares = 0, np.zeros(3), np.zeros(3)
        for rows in np.array_split(chosen, -(-len(chosen) // 64)):
            pixels: np.ndarray[Any, Any] = self.pixels.take(self.train.store_rows[rows])
            flat = pixels.reshape(-1, 3).astype(np.float64) / 255
            count += len(flat)
            total += flat.sum(axis=0)
            squares += (flat**2).sum(axis=0)
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-4))
        return mean.tolist(), deviation.tolist()
