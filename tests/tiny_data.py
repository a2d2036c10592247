"""Tiny images that a small network learns in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixednoise.data.table import Dataset, make_table

COLOURS = np.array([[200, 60, 60], [60, 200, 60], [60, 60, 200]])


def coloured_images(
    n: int, num_classes: int = 3, size: int = 28, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images whose colour is their class: uint8 (n, size, size, 3), and the classes."""
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % num_classes
    noise = rng.normal(0, 40, (n, size, size, 3))
    return np.clip(COLOURS[classes][:, None, None] + noise, 0, 255).astype(np.uint8), classes


def coloured_dataset(
    n: int = 120,
    num_classes: int = 3,
    *,
    wrong: float = 0.2,
    size: int = 28,
    seed: int = 0,
    split: bool = True,
) -> Dataset:
    """Array data set with wrong labels in its training part, the truth beside them."""
    rng = np.random.default_rng(seed + 1)
    images, true = coloured_images(n, num_classes, size, seed)
    splits = np.array(["train", "train", "train", "val", "test"])[np.arange(n) // num_classes % 5]
    given, group = true.copy(), np.full(n, "correct", dtype=object)
    train = np.flatnonzero(splits == "train")
    flipped = rng.choice(train, int(wrong * len(train)), replace=False)
    given[flipped] = (true[flipped] + 1) % num_classes
    group[flipped] = "mis_h"
    table = make_table(
        [f"im{i:04d}" for i in range(n)],
        given,
        array_index=list(range(n)),
        split=list(splits) if split else None,
        true_label=true,
        noise_group=list(group),
    )
    names = tuple(("red", "green", "blue")[:num_classes])
    return Dataset(table, names, Path("generated"), arrays=images)


#: Options with which a fit takes a second or two.
FAST = {"backbone": "resnet10_tiny", "image_size": 28, "batch_size": 16, "device": "cpu"}
