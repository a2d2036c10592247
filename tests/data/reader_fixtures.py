"""Tiny data sets in the layouts that people have; readers open no image, so any bytes will do."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def touch(folder: Path, names: Iterable[str]) -> Path:
    """Write a file of a few bytes under each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"pixels of " + name.encode())
    return folder


def write_table(path: Path, header: str, rows: Iterable[str], end: str = "\n") -> Path:
    """Write a header and rows of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(end.join([header, *rows, ""]))
    return path


def labelled(folder: Path, labels: Iterable[str], header: str = "image,label") -> Path:
    """``labels.csv`` with images 00.png, 01.png, ... of these labels, and the image files."""
    names = []
    rows = []
    for number, label in enumerate(labels):
        names.append(f"{number:02d}.png")
        rows.append(f"{number:02d}.png,{label}")
    touch(folder, names)
    return write_table(folder / "labels.csv", header, rows)


def medmnist(path: Path, **changes: np.ndarray | None) -> Path:
    """A MedMNIST file: 6 + 2 + 3 RGB images of 4 x 5 pixels, classes 0, 1, 2; None = leave out."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray | None] = {}
    for split, count in (("train", 6), ("val", 2), ("test", 3)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 4, 5, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = (np.arange(count, dtype=np.uint8) % 3)[:, None]
    arrays |= changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
