"""How fast wrong mask pixels are found, beside cleanlab, and how much memory it takes.

Speed: ``find_mask_errors`` and ``cleanlab.segmentation.filter.find_label_issues(n_jobs=1)`` on the
same arrays in memory, in turns, in CPU seconds on one thread, the best of some rounds each; K = 2
and K = 4. The masks are smooth blobs, half of them eroded or dilated; the probabilities are the
blurred truth with noise, as a good network's would be. cleanlab's function follows another rule
(the pixels of lowest self-confidence over all classes); its maps are not compared here, the tests
do that with cleanlab's rules that are ours too.

Memory: peak resident memory of a process that searches 200, and of one that searches 10,000
images, which a source makes on the fly (Linux).

    python benchmarks/mask_errors.py [--images 200] [--size 256] [--rounds 3] [--memory 200 10000]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

# One thread each, set before any library starts its own.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import cv2
import numpy as np

from mixednoise.segmentation.confident import ErrorSettings, estimate, find_mask_errors, iter_errors
from mixednoise.segmentation.labels import RULES

FLOATS = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
BYTES = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def make_image(classes: int, size: int, rng: np.random.Generator) -> tuple[BYTES, FLOATS]:
    """A mask with wrong boundaries, and probabilities of its blurred truth."""
    scores = [
        cv2.resize(rng.random((4, 4), np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
        for _ in range(classes)
    ]
    truth = np.argmax(scores, axis=0).astype(np.uint8)
    mask = truth.copy()
    if rng.random() < 0.5:
        radius = int(rng.integers(2, 7))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        change = cv2.erode if rng.random() < 0.5 else cv2.dilate
        mask = change(mask, disc)
    shares = np.stack(
        [cv2.GaussianBlur((truth == k).astype(np.float32), (0, 0), 1.5) for k in range(classes)]
    )
    logits = np.log(shares + 1e-3) + rng.normal(0, 0.3, shares.shape).astype(np.float32)
    weights = np.exp(logits - logits.max(axis=0))
    return mask, weights / weights.sum(axis=0)


class Generated:
    """A source that makes its images when they are read, the same at every reading."""

    def __init__(self, images: int, classes: int, size: int, kinds: int = 20) -> None:
        self.names = [f"{i:06d}" for i in range(images)]
        self.num_classes = classes
        rng = np.random.default_rng(0)
        self._kinds = [make_image(classes, size, rng) for _ in range(kinds)]

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> tuple[BYTES, FLOATS]:
        """A template, turned and with probabilities of its own."""
        mask, probabilities = self._kinds[index % len(self._kinds)]
        shift = index // len(self._kinds)
        softer = probabilities + np.float32(1e-4 * (1 + shift % 97))
        softer /= softer.sum(axis=0)
        return np.roll(mask, shift, axis=1), np.roll(softer, shift, axis=2)


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of this process that a call takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure_speed(images: int, size: int, classes: int, rounds: int) -> None:
    """Print the times, of all rules, and their ratios."""
    from cleanlab.segmentation.filter import find_label_issues  # type: ignore[import-untyped]

    rng = np.random.default_rng(classes)
    masks = np.empty((images, size, size), np.uint8)
    probabilities = np.empty((images, classes, size, size), np.float32)
    for index in range(images):
        masks[index], probabilities[index] = make_image(classes, size, rng)
    cleanlab = partial(find_label_issues, masks, probabilities, n_jobs=1, verbose=False)
    searches: dict[str, Callable[[], object]] = {
        f"rule {rule}": partial(find_mask_errors, masks, probabilities, rule) for rule in RULES
    }
    searches["rule Q, band auto"] = partial(find_mask_errors, masks, probabilities, band="auto")
    theirs = float("inf")
    times = dict.fromkeys(searches, theirs)
    for _ in range(rounds):
        theirs = min(theirs, cpu_seconds(cleanlab))
        for name, search_all in searches.items():
            times[name] = min(times[name], cpu_seconds(search_all))
    share = find_mask_errors(masks, probabilities).mean()
    print(
        f"K = {classes}: {images} masks of {size} x {size}, {share:.2%} of the pixels flagged (Q)"
    )
    print(f"  cleanlab, n_jobs=1            {theirs:7.3f} s")
    for name, ours in times.items():
        print(f"  mixednoise, {name:<17} {ours:7.3f} s   {theirs / ours:.1f} times faster")


def search(images: int, size: int) -> None:
    """Search a generated set and print the peak memory of this process in kB."""
    source = Generated(images, 2, size)
    settings = ErrorSettings()
    found = estimate(source, settings)
    flagged = sum(image.flagged_pixels for image in iter_errors(source, found, settings))
    # Not getrusage: its peak begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(peak, flagged, round(time.process_time()))


def measure_memory(sizes: list[int], size: int) -> None:
    """Print the peak memory of one process per number of images."""
    peaks = []
    for images in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--search", str(images), "--size", str(size)],
            capture_output=True,
            text=True,
            check=True,
        )
        peak, flagged, seconds = done.stdout.split()
        peaks.append(int(peak) / 1024)
        print(f"{images:>6} images: peak {peaks[-1]:.0f} MB, {flagged} flagged, {seconds} CPU s")
    print(f"  ratio {peaks[-1] / peaks[0]:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--classes", type=int, nargs="*", default=[2, 4])
    parser.add_argument("--memory", type=int, nargs="*", default=[200, 10_000])
    parser.add_argument("--search", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.search:
        search(arguments.search, arguments.size)
        return
    for classes in arguments.classes:
        measure_speed(arguments.images, arguments.size, classes, arguments.rounds)
    if arguments.memory:
        measure_memory(arguments.memory, arguments.size)


if __name__ == "__main__":
    main()
