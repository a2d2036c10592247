"""Tiny images and masks, written by Pillow, numpy and nibabel rather than by the package."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from PIL import Image

AFFINE = np.array([[-2.0, 0, 0, 5], [0, 0, 3, -7], [0, 1.5, 0, 9], [0, 0, 0, 1]])


def write_image(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    else:
        Image.fromarray(array).save(path)
    return path


def write_nifti(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(array, affine)
    image.header["descrip"] = b"by hand"
    nib.save(image, path)
    return path


def grey(seed: int, height: int = 6, width: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def square(height: int = 6, width: int = 9, value: int = 255) -> np.ndarray:
    """A mask with a 2 x 3 block of ``value``."""
    mask = np.zeros((height, width), np.uint8)
    mask[1:3, 2:5] = value
    return mask


def write_pairs(root: Path, names: str = "abc", value: int = 255) -> Path:
    """``root/images/NAME.png`` and ``root/masks/NAME_segmentation.png``."""
    for seed, name in enumerate(names):
        write_image(root / "images" / f"{name}.png", grey(seed))
        write_image(root / "masks" / f"{name}_segmentation.png", square(value=value))
    return root
