"""QMix beside cross-entropy at the default settings, on real data, clean and with mixed noise.

python benchmarks/real_data.py DATA --out runs/real --jobs 2
python benchmarks/real_data.py --out runs/real --table

Calls the public commands only, prints each, goes on where it was stopped, and never repeats a
finished run. The seed is that of the split, of the noise and of the training.
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands import call
from table import table

NOISE = {"clean": (0.0, 0.0), "noisy": (0.4, 0.15)}
METHODS = ("qmix", "cross_entropy")
DATA: dict[str, tuple[str, list[str], int]] = {  # file, options, seeds
    "ham10000": ("ham10000/HAM10000_metadata.csv", [], 1),
    "odir3": ("odir3/labels.csv", ["--group-column", "patient"], 1),
    "retinamnist": ("retinamnist/retinamnist.npz", [], 3),
}


def cells(names: list[str]) -> list[tuple[str, str, int, str]]:
    """Every run: data, noise, seed, method; noisy ones first."""
    return [
        (data, noise, seed, method)
        for data in names
        for noise in reversed(NOISE)
        for seed in range(DATA[data][2])
        for method in METHODS
    ]


def corrupt(root: Path, out: Path, data: str, seed: int) -> Path:
    """The noisy copy of a data set; made once."""
    folder = out / "data" / f"{data}_{seed}"
    if not (folder / "corruption.json").exists():
        mis_h, mis_l = NOISE["noisy"]
        noise = ["--mis-h", str(mis_h), "--mis-l", str(mis_l), "--seed", str(seed)]
        file, options, _ = DATA[data]
        call("corrupt", root / file, "--out", folder, *noise, *options, "--quiet")
    return folder / "labels.csv"


def train(root: Path, out: Path, cell: tuple[str, str, int, str]) -> None:
    """One run, unless it is finished."""
    data, noise, seed, method = cell
    run = out / f"{data}_{noise}_{seed}_{method}"
    if (run / "metrics.json").exists():
        return
    file, options, _ = DATA[data]
    source = root / file
    if noise == "noisy":
        source, options = corrupt(root, out, data, seed), []  # its columns have the usual names
    words = ["train", source, "--method", method, "--seed", str(seed), "--threads", "1", *options]
    call(*words, "--out", run, "--quiet", *(["--resume"] if run.exists() else []))


def show(out: Path, names: list[str]) -> None:
    """The table of every finished run, a part per data set and noise."""
    for data in names:
        for noise in NOISE:
            by_method = {}
            for method in METHODS:
                found = sorted(out.glob(f"{data}_{noise}_*_{method}/metrics.json"))
                by_method[method] = [json.loads(file.read_text()) for file in found]
            if all(by_method.values()):
                print(f"\n{data}, {noise}, seeds: {len(by_method['qmix'])}\n")
                table(by_method)


def main() -> None:
    """Run what is not finished yet, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", type=Path, help="folder with the data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", nargs="*", choices=list(DATA), default=list(DATA))
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--table", action="store_true", help="print the table only")
    arguments = parser.parse_args()
    if not arguments.table:
        if arguments.root is None:
            parser.error("the folder with the data sets is missing")
        todo = cells(arguments.data)
        for data, noise, seed, _ in todo:  # before the runs that share it start side by side
            if noise == "noisy":
                corrupt(arguments.root, arguments.out, data, seed)
        with ThreadPoolExecutor(arguments.jobs) as pool:
            for done in [pool.submit(train, arguments.root, arguments.out, cell) for cell in todo]:
                done.result()
    show(arguments.out, arguments.data)


if __name__ == "__main__":
    main()
