"""Image files and data sets for the tests of the pixel store, and a count of decodes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from mixednoise.data import store_build
from mixednoise.data.prepare import prepare_bytes
from mixednoise.data.store import StoreSettings
from mixednoise.data.table import Dataset, make_table

SETTINGS = StoreSettings(image_size=16)


def write_image(path: Path, seed: int, height: int = 24, width: int = 32) -> None:
    """An image of smooth noise, in the format that the name asks for."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    encoded = cv2.imencode(path.suffix, cv2.GaussianBlur(noise, (0, 0), 1))[1]
    path.write_bytes(encoded.tobytes())


def write_images(folder: Path, n: int) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:04d}.png" for i in range(n)]
    for i, path in enumerate(paths):
        write_image(path, i)
    return paths


def dataset_of(paths: Sequence[Path]) -> Dataset:
    names = [f"{i}" for i in range(len(paths))]
    table = make_table(names, [0] * len(paths), path=[str(p) for p in paths])
    return Dataset(table, ("only",), Path("here"))


def dataset_of_arrays(arrays: np.ndarray, rows: Sequence[int] | None = None) -> Dataset:
    rows = range(len(arrays)) if rows is None else rows
    table = make_table([f"{i}" for i in rows], [0] * len(rows), array_index=list(rows))
    return Dataset(table, ("only",), Path("here.npz"), arrays=arrays)


def expected_pixels(paths: Sequence[Path], settings: StoreSettings = SETTINGS) -> np.ndarray:
    """Every image prepared by itself, without a store."""
    return np.stack(
        [
            prepare_bytes(
                path.read_bytes(), settings.image_size, crop=settings.crop, fit=settings.fit
            ).pixels
            for path in paths
        ]
    )


def blake(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def count_decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets one entry per image file that a build decodes from now on."""
    seen: list[int] = []

    def counted(data, *arguments, **options):
        seen.append(len(data))
        return prepare_bytes(data, *arguments, **options)

    monkeypatch.setattr(store_build, "prepare_bytes", counted)
    return seen
