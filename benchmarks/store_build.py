"""How fast the pixel store is built, against plain Pillow, and how fast it is found again.

    python benchmarks/store_build.py [--images 200] [--repeats 5] [--second-start 10000]

Both sides do the same job on the same 1,024-pixel JPEGs in the same run, on one core each, in
turns: file -> 224 x 224 RGB. The store also hashes every file and writes the pixels to disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.data.table import Dataset, make_table

SOURCE_SIDE, STORE_SIDE = 1024, 224


def fundus_like(rng: np.random.Generator, side: int) -> np.ndarray:
    """An orange disc with texture and dark lines on black, about as compressible as a fundus."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    radius = np.hypot(x - rng.normal(0, 0.01), y - rng.normal(0, 0.01))
    light = 1.1 - 1.2 * radius + 0.2 * rng.normal() * x
    texture = cv2.resize(rng.normal(0, 1, (side // 8, side // 8)).astype(np.float32), (side, side))
    image = light[..., None] * np.array([190, 95, 45]) + 12 * texture[..., None]
    for _ in range(25):
        points = np.cumsum(rng.normal(0, side / 30, (12, 2)), axis=0) + side * rng.random(2)
        line = [points.astype(np.int32)]
        cv2.polylines(image, line, False, (110, 40, 25), int(rng.integers(1, 7)), cv2.LINE_AA)
    image += rng.normal(0, 3, image.shape)
    image[radius > 0.48] = 0
    return np.clip(image, 0, 255).astype(np.uint8)


def write_jpegs(folder: Path, count: int, side: int) -> list[Path]:
    """Write ``count`` files; the drawing is slow, so a few are drawn and then shifted."""
    rng = np.random.default_rng(0)
    drawn = [fundus_like(rng, side) for _ in range(min(8, count))]
    paths = [folder / f"{i:06d}.jpg" for i in range(count)]
    for i, path in enumerate(paths):
        image = np.roll(drawn[i % len(drawn)], i // len(drawn), axis=1)
        cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


def dataset_of(paths: list[Path]) -> Dataset:
    """The files as a data set of one class."""
    names = [path.name for path in paths]
    table = make_table(names, [0] * len(paths), path=[str(path) for path in paths])
    return Dataset(table, ("image",), paths[0].parent)


def by_pillow(paths: list[Path]) -> None:
    """Open, convert, resize with Pillow, the way most training code does."""
    for path in paths:
        with Image.open(path) as image:
            np.asarray(image.convert("RGB").resize((STORE_SIDE, STORE_SIDE)))


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - clock, time.process_time() - processor


def compare_with_pillow(folder: Path, count: int, repeats: int, crop: str) -> None:
    """Build and Pillow in turns; a fresh cache for every build."""
    images = folder / "images"
    images.mkdir(exist_ok=True)
    paths = write_jpegs(images, count, SOURCE_SIDE)
    data, settings = dataset_of(paths), StoreSettings(STORE_SIDE, crop=crop)
    times: dict[str, list[tuple[float, float]]] = {"store": [], "Pillow": []}
    for repeat in range(repeats):
        root = folder / f"cache-{crop}-{repeat}"
        times["store"].append(
            seconds(lambda root=root: PixelStore.build(data, settings, root=root, workers=1))
        )
        times["Pillow"].append(seconds(lambda: by_pillow(paths)))
    print(f"{count} JPEGs of {SOURCE_SIDE} px -> {STORE_SIDE} px, one core, crop={crop}, ", end="")
    print(f"median of {repeats}:")
    rates = {}
    for kind, name in enumerate(("clock", "processor")):
        for side, measured in times.items():
            rates[side] = count / statistics.median(pair[kind] for pair in measured)
        ratio = rates["store"] / rates["Pillow"]
        print(
            f"  by {name:<9}  store {rates['store']:6.0f} images/s   "
            f"Pillow {rates['Pillow']:6.0f} images/s   ratio {ratio:.2f}"
        )


def second_start(folder: Path, count: int) -> None:
    """Find a store of many small images again."""
    images = folder / "many"
    images.mkdir()
    data, settings = dataset_of(write_jpegs(images, count, 64)), StoreSettings(64)
    first, _ = seconds(lambda: PixelStore.build(data, settings, root=folder / "cache-many"))
    again = [
        seconds(lambda: PixelStore.build(data, settings, root=folder / "cache-many"))[0]
        for _ in range(5)
    ]
    print(f"{count} small JPEGs: first start {first:.1f} s, ", end="")
    print(f"second start {statistics.median(again):.3f} s (median of {len(again)})")


def main() -> None:
    """Run what was asked for, in a folder that is deleted afterwards."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--second-start", type=int, default=10_000, metavar="IMAGES")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        for crop in ("none", "field_of_view"):
            compare_with_pillow(Path(folder), options.images, options.repeats, crop)
        if options.second_start:
            second_start(Path(folder), options.second_start)


if __name__ == "__main__":
    main()
