"""Peak memory of training does not grow with the data: 10,015 images at 128 px beside 1,000.

Each size trains in a process of its own, one epoch of warm-up and one of QMix, and reports its
peak resident memory. Making the images and their store happens in another process before.

    python benchmarks/training_memory.py [--size 128] [--small 1000] [--large 10015]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np


def make_images(folder: Path, n: int) -> None:
    """Write n small JPEGs in two class folders."""
    rng = np.random.default_rng(0)
    for i in range(n):
        target = folder / "ab"[i % 2] / f"{i:05d}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        cv2.imwrite(str(target), cv2.resize(coarse, (200, 150), interpolation=cv2.INTER_CUBIC))


def child(folder: Path, size: int, steps: str) -> None:
    """Build the store, or train two epochs and print the peak memory in MB."""
    import mixednoise
    from mixednoise.data.store import PixelStore, StoreSettings
    from mixednoise.progress import Silent

    dataset = mixednoise.read_dataset(folder)
    if steps == "store":
        PixelStore.build(dataset, StoreSettings(image_size=size), progress=Silent())
        return
    model = mixednoise.QMix(
        backbone="resnet10_tiny", image_size=size, epochs=2, warmup_epochs=1, threads=1
    )
    model.fit(dataset, out=folder.parent / f"run_{folder.name}", progress=Silent())
    # Not ru_maxrss: a child starts with the peak of the process that started it.
    peak_kb = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(int(peak_kb[1]) / 1024 if peak_kb else "nan")


def peak(folder: Path, size: int) -> float:
    """Peak resident memory of training on a folder, in MB."""
    environment = os.environ | {"MIXEDNOISE_CACHE": str(folder.parent / "cache")}
    command = [sys.executable, __file__, "--child", str(folder), "--size", str(size), "--steps"]
    subprocess.run([*command, "store"], check=True, env=environment)
    done = subprocess.run(
        [*command, "train"], check=True, env=environment, capture_output=True, text=True
    )
    return float(done.stdout.split()[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--small", type=int, default=1000)
    parser.add_argument("--large", type=int, default=10015)
    parser.add_argument("--child", type=Path)
    parser.add_argument("--steps", default="train")
    arguments = parser.parse_args()
    if arguments.child is not None:
        child(arguments.child, arguments.size, arguments.steps)
        return
    with tempfile.TemporaryDirectory() as name:
        peaks = []
        for n in (arguments.small, arguments.large):
            folder = Path(name) / f"images_{n}"
            make_images(folder, n)
            peaks.append(peak(folder, arguments.size))
            print(f"{n} images at {arguments.size} px: peak {peaks[-1]:.0f} MB", flush=True)
    print(f"ratio {peaks[1] / peaks[0]:.3f} (goal: at most 1.3)")


if __name__ == "__main__":
    main()
