"""Students and baselines on real masks with noise put in on purpose, through the public commands.

python benchmarks/segmentation.py DATA --out runs/masks --image-size 64 --epochs 40
python benchmarks/segmentation.py DATA --out runs/masks --image-size 64 --epochs 40 --alphas 0
python benchmarks/segmentation.py --out runs/masks --table

JSRT: 197 training images, the 50 others are the test cases; no checkpoint is chosen on them (the
last epoch counts). Level A / B: radius 5 / 10 (clavicle), 14 / 20 (heart), 20 / 30 (lung) at 256
pixels. HAM10000: 2,000 images drawn by lesion, a fifth of them for testing. With alpha 0 the true
masks are learned. Other options go to ``mixednoise segment compare``. Goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from commands import call
from mixednoise.io import write_csv
from segmentation_table import table

RADIUS = {"lung": (20, 30), "heart": (14, 20), "clavicle": (5, 10)}
#: Of masks of 600 x 450: beside a lesion what 14 and 20 of 256 are beside a heart.
LESION_RADIUS = (40, 60)
METHODS = "cross_entropy,pick_and_learn,cl,cl_slsr,clean"
LESIONS = 2000
#: In place of a level, where no mask is changed.
CLEAN = "clean"
Cell = tuple[str, float, str, int]


def radius(organ: str, level: str) -> int:
    """In pixels of the files."""
    return RADIUS.get(organ, LESION_RADIUS)["AB".index(level)]


def gather(root: Path, out: Path, organ: str) -> Path:
    """Links to images, true masks and a table of splits: ``images``, ``truth``, ``train_masks``."""
    folder = out / "data" / organ
    if (folder / "splits.csv").exists():
        return folder
    for name in ("images", "truth", "train_masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = _chest(root / "jsrt", organ) if organ in RADIUS else _lesions(root / "ham10000")
    for name, _, split, image, mask in rows:
        _link(image, folder / "images" / f"{name}{image.suffix}")
        _link(mask, folder / "truth" / f"{name}.png")
        if split == "train":
            _link(mask, folder / "train_masks" / f"{name}.png")
    table = pd.DataFrame([row[:3] for row in rows], columns=["name", "group", "split"])
    write_csv(folder / "splits.csv", table)  # at once: other runs into this folder look for it
    return folder


def _chest(root: Path, organ: str) -> list[tuple[str, str, str, Path, Path]]:
    return [
        (image.stem, image.stem, split, image, root / place / organ / image.name)
        for place, split in (("training", "train"), ("validation", "test"))
        for image in sorted((root / place / "images").glob("*.png"))
    ]


def _lesions(root: Path) -> list[tuple[str, str, str, Path, Path]]:
    table = pd.read_csv(root / "HAM10000_metadata.csv")
    masks = {path.stem.removesuffix("_segmentation"): path for path in root.glob("masks/**/*.png")}
    images = {path.stem: path for path in root.glob("images/**/*.jpg")}
    lesions = np.random.default_rng(0).permutation(sorted(table["lesion_id"].unique()))
    place = {lesion: number for number, lesion in enumerate(lesions)}
    table["place"] = table["lesion_id"].map(place)
    chosen = table.sort_values(["place", "image_id"]).head(LESIONS)
    last = chosen["place"].max() * 4 // 5
    return [
        (image, lesion, "train" if number <= last else "test", images[image], masks[image])
        for image, lesion, number in zip(
            chosen["image_id"], chosen["lesion_id"], chosen["place"], strict=True
        )
    ]


def _link(source: Path, target: Path) -> None:
    # Two first runs into one folder make the same links at the same time.
    with suppress(FileExistsError):
        target.symlink_to(source.resolve())


def run(root: Path, out: Path, cell: Cell, options: list[str]) -> None:
    """One cell: noise, then all methods."""
    organ, alpha, level, seed = cell
    data = gather(root, out, organ)
    name = f"{organ}_{alpha}_{level}_{seed}"
    masks = out / "data" / name if alpha else data / "truth"
    if alpha and not (masks / "corruption.json").exists():
        noise = ["--alpha", str(alpha), "--radius", str(radius(organ, level)), "--seed", str(seed)]
        call(
            "segment", "corrupt", "--masks", data / "train_masks", "--out", masks, *noise, "--quiet"
        )
        for truth in (data / "truth").iterdir():
            _link(truth, masks / truth.name)  # test cases: their masks are scored, never learned
    words = [
        "segment",
        "compare",
        "--images",
        data / "images",
        "--masks",
        masks,
        "--truth",
        data / "truth",
    ]
    words += ["--splits", data / "splits.csv", "--groups", data / "splits.csv"]
    words += ["--out", out / name, "--seed", str(seed), "--threads", "1", "--quiet", *options]
    call(*words, *(["--resume"] if (out / name).exists() else []))


def main() -> None:
    """Run what is not finished yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, help="folder with the data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--organs", nargs="*", default=list(RADIUS), help="of JSRT, or lesion")
    parser.add_argument("--alphas", nargs="*", type=float, default=[0.5, 0.7])
    parser.add_argument("--levels", nargs="*", default=["A", "B"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--jobs", type=int, default=1, help="cells at a time, one thread each")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--table", action="store_true", help="print the table only")
    known, options = parser.parse_known_args()
    if not known.table:
        if known.root is None:
            parser.error("the folder with the data sets is missing")
        options = [word for word in options if word != "--"] + ["--methods", known.methods]
        cells = [
            (organ, alpha, level, seed)
            for seed in known.seeds
            for alpha in known.alphas
            for level in (known.levels if alpha else [CLEAN])
            for organ in known.organs
        ]
        for organ in known.organs:
            gather(known.root, known.out, organ)
        with ThreadPoolExecutor(known.jobs) as pool:
            for done in [pool.submit(run, known.root, known.out, c, options) for c in cells]:
                done.result()
    print(table(known.out, METHODS.split(",")))


if __name__ == "__main__":
    main()
