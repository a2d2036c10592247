"""What one training step of a segmenter costs beyond the bare forward and backward pass.

python benchmarks/segmentation_step.py [--network residual_unet] [--size 128] [--steps 20]

A step cuts windows from images in memory, augments them, makes SLSR targets, passes the network
forward and backward. Bare: the same network on random tensors with torch's cross-entropy. One
thread, CPU seconds, interleaved; without the optimiser, which both would need.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from mixednoise.models.segmenters import build_segmenter
from mixednoise.segmentation.learner import MaskLearner
from mixednoise.segmentation.learning_set import LearningSet
from mixednoise.segmentation.views import PatchSettings


class Cases:
    """Random images with a square in each mask."""

    def __init__(self, count: int, size: int) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (count, 1, size, size), dtype=np.uint8)
        self.masks = np.zeros((count, size, size), np.uint8)
        self.masks[:, size // 4 : size // 2, size // 4 : size // 2] = 1
        self.wrong = rng.random((count, size, size)) < 0.1

    def image(self, index: int) -> np.ndarray:
        """Image (1, H, W)."""
        return self.images[index]

    def mask(self, index: int) -> np.ndarray:
        """Given mask (H, W)."""
        return self.masks[index]

    def flagged(self, index: int) -> np.ndarray:
        """Suspected pixels (H, W)."""
        return self.wrong[index]

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
    given = parser.parse_args()
    torch.set_num_threads(1)
    cases = Cases(4 * given.batch, given.size)
    segmenter = build_segmenter(given.network, in_channels=1, num_classes=2)
    learner = MaskLearner(segmenter, mode="slsr", epsilon=0.8, loss="ce")
    data = LearningSet(
        cases,
        range(4 * given.batch),
        spatial_dims=2,
        patch_size=given.size,
        settings=PatchSettings(),
        judged={"flagged": cases.flagged},
    )
    generator = torch.Generator().manual_seed(0)
    rows = np.arange(given.batch)
    images = torch.rand(given.batch, 1, given.size, given.size)
    labels = torch.randint(2, (given.batch, given.size, given.size))

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
    print(f"{given.network}, {given.size} px: median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
