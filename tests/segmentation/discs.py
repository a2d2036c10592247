"""Bright discs on noise, with masks of which some are too large or too small."""

from pathlib import Path

import cv2
import numpy as np

from mixednoise.noise.corrupt_masks import corrupt_masks
from mixednoise.segmentation.cases import CaseSet, read_cases

TINY = {
    "network": "residual_unet_slim", "image_size": 32, "batch_size": 4, "threads": 1, "lr": 3e-3,
    "device": "cpu", "precision": "32",
}  # fmt: skip


def make_discs(folder: Path, count: int, *, size: int = 32, seed: int = 0) -> tuple[Path, Path]:
    """Write ``images`` and ``truth``; two images of each patient."""
    rng = np.random.default_rng(seed)
    images, truth = folder / "images", folder / "truth"
    images.mkdir(parents=True)
    truth.mkdir()
    rows, columns = np.mgrid[:size, :size]
    for number in range(count):
        radius = rng.uniform(0.2, 0.3) * size
        y, x = rng.uniform(0.35, 0.65, 2) * size
        disc = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
        noise = rng.normal(0, 25, (size, size))
        picture = np.clip(80 + 90 * disc + noise, 0, 255).astype(np.uint8)
        cv2.imwrite(str(images / f"c{number:02d}.png"), picture)
        cv2.imwrite(str(truth / f"c{number:02d}.png"), disc.astype(np.uint8) * 255)
    lines = [f"c{number:02d},p{number // 2}" for number in range(count)]
    (folder / "patients.csv").write_text("name,patient\n" + "\n".join(lines) + "\n")
    return images, truth


def noisy_discs(
    folder: Path, count: int, *, size: int = 32, seed: int = 0, alpha: float = 0.7, radius: int = 3
) -> CaseSet:
    """Discs whose masks were dilated or eroded, with the truth beside them."""
    images, truth = make_discs(folder, count, size=size, seed=seed)
    corrupt_masks(truth, folder / "masks", alpha=alpha, kind="mixed", radius=radius, seed=seed)
    masks = folder / "masks"
    return read_cases(images, masks, truth=truth, groups=folder / "patients.csv")
