"""What one training step of a segmenter costs beyond the bare forward and backward pass.

python benchmarks/segmentation_step.py [--network residual_unet] [--size 128] [--steps 10]
    [--classes 2] [--targets slsr]

A step cuts windows from images in memory, augments them, makes targets, passes the network forward
and backward. With three classes and more, and with ``--targets soft``, the windows of the proposed
probabilities (half precision, as a run keeps them) are cut and moved too. Bare: the same network on
random tensors with torch's cross-entropy. One thread, CPU seconds, interleaved; without the
optimiser, which both would need.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import get_args

import numpy as np
import torch
from torch.nn import functional

from mixednoise.models.segmenters import build_segmenter
from mixednoise.segmentation.learner import MaskLearner
from mixednoise.segmentation.learning_set import LearningSet
from mixednoise.segmentation.targets import TargetMode
from mixednoise.segmentation.views import PatchSettings


class Cases:
    """Random images with a square in each mask, and what teachers say of them."""

    def __init__(self, count: int, size: int, classes: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (count, 1, size, size), dtype=np.uint8)
        self.masks = np.zeros((count, size, size), np.uint8)
        self.masks[:, size // 4 : size // 2, size // 4 : size // 2] = 1
        self.wrong = rng.random((count, size, size)) < 0.1
        shares = rng.random((count, classes, size, size), np.float32)
        self.probabilities = (shares / shares.sum(axis=1, keepdims=True)).astype(np.float16)

    def image(self, index: int) -> np.ndarray:
        """Image (1, H, W)."""
        return self.images[index]

    def mask(self, index: int) -> np.ndarray:
        """Given mask (H, W)."""
        return self.masks[index]

    def flagged(self, index: int) -> np.ndarray:
        """Suspected pixels (H, W)."""
        return self.wrong[index]

    def proposed(self, index: int) -> np.ndarray:
        """Probabilities (K, H, W)."""
        return self.probabilities[index]

    def shape(self, index: int) -> tuple[int, ...]:
        """H and W."""
        return self.masks[index].shape

    def mean(self, index: int) -> np.ndarray:
        """Of the one channel."""
        return np.array([127.5])

    def std(self, index: int) -> np.ndarray:
        """Of the one channel."""
        return np.array([73.9])


def main() -> None:
    """Print the ratio of each round and their median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="residual_unet")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--targets", choices=get_args(TargetMode), default="slsr")
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = Cases(4 * given.batch, given.size, given.classes)
    segmenter = build_segmenter(given.network, in_channels=1, num_classes=given.classes)
    learner = MaskLearner(segmenter, mode=given.targets, epsilon=0.8, loss="ce")
    judged: dict[str, Callable[[int], np.ndarray]] = {"flagged": cases.flagged}
    if given.classes > 2 or given.targets == "soft":
        judged["proposed"] = cases.proposed
    data = LearningSet(
        cases,
        range(4 * given.batch),
        spatial_dims=2,
        patch_size=given.size,
        settings=PatchSettings(),
        judged=judged,
    )
    generator = torch.Generator().manual_seed(0)
    rows = np.arange(given.batch)
    images = torch.rand(given.batch, 1, given.size, given.size)
    labels = torch.randint(given.classes, (given.batch, given.size, given.size))

    def ours(step: int) -> None:
        loaded = data.load(rows, (0, step))
        batch = data.windows(rows, loaded, torch.device("cpu"), generator)
        learner(batch)["loss"].backward()

    def bare(_: int) -> None:
        functional.cross_entropy(segmenter.network(images), labels).backward()

    def seconds(work: Callable[[int], None]) -> float:
        start = time.process_time()
        for step in range(given.steps):
            work(step)
        return time.process_time() - start

    seconds(ours)
    ratios = []
    for _ in range(given.rounds):
        plain, full = seconds(bare), seconds(ours)
        ratios.append(full / plain)
        print(
            f"step {full / given.steps:.4f} s, bare {plain / given.steps:.4f} s, {ratios[-1]:.3f}"
        )
    kind = f"{given.classes} classes, targets {given.targets}"
    print(f"{given.network}, {given.size} px, {kind}: median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
