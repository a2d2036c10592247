"""How well image quality agrees with people, and how fast it is, beside CleanVision.

Agreement: area under the ROC curve of every score, images that EyeQ's graders called good against
those they rejected. Limits and formula were set on one half of the patients (split below, seed 0);
the other half was not looked at before. Speed: files to finished tables, near-duplicates included,
one thread each, in turns on the same files. CleanVision is left out where it is not installed.

    python benchmarks/image_quality.py eyepacs_eyeq [--rounds 5] [--images 400] [--side 0]

``eyepacs_eyeq`` holds ``images/`` and ``labels.csv`` with ``image,patient,eyeq_quality`` (0 good, 1
usable, 2 reject). ``--side`` enlarges the files for the speed test (JPEG, quality 90).
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

# One thread each, set before any library starts its own.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import cv2
import numpy as np
import pandas as pd

from image_scores import cleanvision_scores, has_cleanvision
from mixednoise.data.decode import decode_image
from mixednoise.data.resize import prepare_pixels
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.quality import assess_file, assess_files, assess_image, find_near_duplicates
from mixednoise.quality.assess import MEASURES, SCORES
from mixednoise.quality.duplicates import MOST_HASH_BITS
from mixednoise.quality.unusual import unusualness

GOOD, REJECT = "0", "2"


def read_labels(folder: Path) -> pd.DataFrame:
    """Graded images: ``path``, ``grade``, and ``held_out``, True for half of the patients."""
    with (folder / "labels.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["eyeq_quality"]]
    patients = sorted({row["patient"] for row in rows})
    shuffled = np.random.default_rng(0).permutation(patients)
    chosen_on = set(shuffled[: len(patients) // 2].tolist())
    return pd.DataFrame(
        {
            "path": [str(folder / "images" / row["image"]) for row in rows],
            "grade": [row["eyeq_quality"] for row in rows],
            "held_out": [row["patient"] not in chosen_on for row in rows],
        }
    )


def print_agreement(title: str, labels: pd.DataFrame, scores: pd.DataFrame) -> None:
    """AUROC of every column, good against reject, best on the held-out half first."""
    judged = labels["grade"].isin([GOOD, REJECT]).to_numpy()
    good = (labels["grade"] == GOOD).to_numpy()
    held_out = labels["held_out"].to_numpy()
    parts = {"chosen on": judged & ~held_out, "held out": judged & held_out, "all": judged}
    lines = []
    for name in scores:
        values = scores[name].to_numpy(np.float64)
        lines.append([name, *(binary_auc(good[part], values[part]) for part in parts.values())])
    table = pd.DataFrame(lines, columns=["score", *parts])
    counts = ", ".join(
        f"{name} {good[p].sum()} good {(~good[p]).sum()} reject" for name, p in parts.items()
    )
    print(f"\n{title}: AUROC, good against reject ({counts})")
    print(
        table.sort_values("held out", ascending=False).to_string(index=False, float_format="%.3f")
    )


def unlike_the_others(paths: list[str]) -> pd.DataFrame:
    """How unlike the others each image looks at sizes that networks see, the most unlike lowest."""
    images = [decode_image(path) for path in paths]
    rows = np.arange(len(images))
    return pd.DataFrame(
        {
            f"unlike the others, {side} px": -unusualness(_Pictures(images, side), rows)
            for side in (28, 64, 128)
        }
    )


class _Pictures:
    """Images as a pixel store would hold them."""

    def __init__(self, images: list[np.ndarray], side: int) -> None:
        self.images, self.side = images, side

    def take(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (n, side, side, 3)."""
        return np.stack([prepare_pixels(self.images[row], self.side) for row in rows])


def print_same_at_1024(paths: list[str]) -> None:
    """The same picture four times as large, as pixels and as a file, which is decoded smaller."""
    apart: dict[str, list[float]] = {"pixels": [], "JPEG": []}
    flips = dict.fromkeys(apart, 0)
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            image = decode_image(path)
            large = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
            file = f"{folder}/large.jpg"
            cv2.imwrite(file, large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            pairs = {
                "pixels": (assess_image(image), assess_image(large)),
                "JPEG": (assess_file(path), assess_file(file)),
            }
            for name, (first, second) in pairs.items():
                apart[name].append(abs(first.scores.quality - second.scores.quality))
                flips[name] += first.scores.reasons != second.scores.reasons
    print(f"\n{len(paths)} images of 256 px, the same at 1,024 px:")
    for name, differences in apart.items():
        print(
            f"  {name:<6} quality differs by {statistics.median(differences):.3f} (median), "
            f"{max(differences):.3f} (most); reasons change in {flips[name]}"
        )


def print_copies(paths: list[str]) -> None:
    """Which altered copies are found, how near strangers come, and what a search costs."""
    images = [decode_image(path) for path in paths]
    words = np.stack([assess_image(image).fingerprint for image in images])

    def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
        data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])

    def half(image: np.ndarray) -> np.ndarray:
        return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)

    alterations: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "four times as large": lambda image: cv2.resize(
            image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC
        ),
        "half as large": half,
        "JPEG 60": lambda image: jpeg(image, 60),
        "15 % brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.15),
        "blurred by 1 pixel": lambda image: cv2.GaussianBlur(image, (0, 0), 1),
        "half, JPEG 50": lambda image: jpeg(half(image), 50),
    }
    print(f"\naltered copies that are found, of {len(paths)}:")
    for name, alter in alterations.items():
        found = [
            find_near_duplicates(np.stack([own, assess_image(alter(image)).fingerprint]))[1] == 0
            for own, image in zip(words, images, strict=True)
        ]
        print(f"  {name:<20} {np.mean(found):.1%}")
    bits = np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1).astype(int)
    parts = (bits[:, :64], bits[:, 64:])
    # Bits that only one of two has, as matrix products.
    differ = [part @ (1 - part).T + (1 - part) @ part.T for part in parts]
    near = np.triu(differ[0] <= MOST_HASH_BITS, 1)
    nearest = np.sort(differ[1][near])[:5].tolist()
    print(f"  pairs within {MOST_HASH_BITS} of 64 bits: {near.sum()}, other 192 bits: {nearest}")
    for count in (10_000, 100_000, 200_000):
        random = np.random.default_rng(0).integers(0, 2**64, (count, 4), dtype=np.uint64)
        took = seconds(partial(find_near_duplicates, random))[1]
        print(f"  {count:>7,} random fingerprints searched in {took:.2f} s")


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processor time."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def print_speed(paths: list[str], rounds: int, side: int, *, beside: bool) -> None:
    """Both in turns; medians over the rounds, and the median of the rounds' ratios."""
    work: dict[str, Callable[[], object]] = {"mixednoise": lambda: assess_files(paths)}
    if beside:
        work["CleanVision"] = lambda: cleanvision_scores(paths)
    for run in work.values():
        run()  # modules that are imported when first used, files that are read from disk
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            times[name].append(seconds(run))
    shape = f"{side} px" if side else "as they are"
    print(f"\n{len(paths)} files ({shape}), one thread, median of {rounds} rounds in turns:")
    for kind, clock in enumerate(("clock", "processor")):
        rates = {
            name: len(paths) / statistics.median(pair[kind] for pair in measured)
            for name, measured in times.items()
        }
        line = "   ".join(f"{name} {rate:6.0f} images/s" for name, rate in rates.items())
        if beside:
            ratios = [
                theirs[kind] / ours[kind]
                for ours, theirs in zip(times["mixednoise"], times["CleanVision"], strict=True)
            ]
            line += (
                f"   ratio {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
            )
        print(f"  by {clock:<9}  {line}")


def enlarged(paths: list[str], folder: str, side: int) -> list[str]:
    """The same images as JPEGs of ``side`` pixels."""
    made = []
    for path in paths:
        large = cv2.resize(decode_image(path), (side, side), interpolation=cv2.INTER_CUBIC)
        made.append(f"{folder}/{Path(path).name}")
        cv2.imwrite(made[-1], large[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return made


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=400, help="files of the speed test")
    parser.add_argument("--side", type=int, default=0, help="pixels; 0 = the files as they are")
    parser.add_argument("--speed-only", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    beside = has_cleanvision()
    if not beside:
        print("CleanVision is not installed: our figures alone")
    labels = read_labels(options.folder)
    paths = labels["path"].tolist()
    with tempfile.TemporaryDirectory() as folder:
        timed = paths[: options.images]
        if options.side:
            timed = enlarged(timed, folder, options.side)
        # First, in a process as fresh as a user's: after large arrays have come and gone, the
        # allocator keeps memory at hand, which makes CleanVision up to 1.5 times as fast.
        print_speed(timed, options.rounds, options.side, beside=beside)
    if not options.speed_only:
        table = assess_files(paths)
        print_agreement("mixednoise", labels, table[[*SCORES, *MEASURES]])
        print_agreement("as separation sees images", labels, unlike_the_others(paths))
        if beside:
            print_agreement("CleanVision", labels, cleanvision_scores(paths))
        print_same_at_1024(paths)
        print_copies(paths)


if __name__ == "__main__":
    main()
