"""Do networks that learned from messy labels know which photographs people rejected?

python benchmarks/human_quality.py DATA --out runs/human [--set image_size=64 ...]

``DATA/eyepacs_eyeq``: grades of retinopathy for both eyes of 549 patients, no noise put in, and
for some the quality that EyeQ's graders saw (0 good, 1 usable, 2 reject), which no method is told.
All patients with a graded photograph learn, one in seven of the others validates. QMix and a pair
of cross-entropy networks are trained per seed, with the settings of ``matrices/core.toml`` but for
what ``--set`` changes; then AUROC, rejected against good, of what they say of a photograph, beside
scores of the images alone. A second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from commands import call
from image_scores import images_alone
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.methods.assignments import parse_assignments, setting_words
from mixednoise.methods.config import merged

MATRIX = Path(__file__).parent / "matrices" / "core.toml"
METHODS = ("qmix", "cross_entropy")
GOOD, USABLE, REJECT = "0", "1", "2"
ONE_IN = 7


def split_by_patient(folder: Path, out: Path) -> pd.DataFrame:
    """The graded table with a split; what ``train`` reads of it is written to ``out``."""
    table = pd.read_csv(folder / "labels.csv", dtype=str)
    table = table[table["dr_grade"].notna()]
    graded = set(table.loc[table["eyeq_quality"].notna(), "patient"])
    others = sorted(set(table["patient"]) - graded)
    validates = set(np.random.default_rng(0).permutation(others)[::ONE_IN].tolist())
    table["split"] = np.where(table["patient"].isin(validates), "val", "train")
    table["image"] = [str((folder / "images" / name).resolve()) for name in table["image"]]
    read = table.rename(columns={"dr_grade": "label"})[["image", "label", "split", "patient"]]
    out.parent.mkdir(parents=True, exist_ok=True)
    read.to_csv(out, index=False)
    return table


def trained(labels: Path, out: Path, method: str, seed: int, settings: list[str]) -> Path:
    """A finished run; an unfinished one goes on."""
    run = out / method / str(seed)
    if not (run / "metrics.json").exists():
        call(
            *("train", labels, "--method", method, "--seed", str(seed), "--ordinal", *settings),
            *("--group-column", "patient", "--out", run, "--quiet"),
            "--resume" if run.exists() else "--overwrite",
        )
    return run


def verdicts(run: Path) -> pd.DataFrame:
    """``samples.csv`` of the training photographs, by file name."""
    table = pd.read_csv(run / "samples.csv", dtype={"id": str})
    table = table[table["split"] == "train"]
    return table.set_index(table["id"].map(lambda name: Path(name).name))


def said_by(table: pd.DataFrame, method: str) -> Iterator[tuple[str, pd.Series[float]]]:
    """(name, high = unreadable) by file name."""
    columns = {"qmix": ("p_mis_l", "unusual"), "cross_entropy": ()}[method]
    for name in (*columns, "entropy", "loss"):
        if name in table:
            yield f"{method}: {name}", table[name]


def shares_called(table: pd.DataFrame, graded: pd.DataFrame) -> list[float]:
    """Share called mis_l of the photographs that people called good, usable, rejected."""
    gone = table.index[table["group"] == "mis_l"]
    names = graded["image"].map(lambda path: Path(path).name)
    return [
        float(names[graded["eyeq_quality"] == grade].isin(gone).mean())
        for grade in (GOOD, USABLE, REJECT)
    ]


def main() -> None:
    """Train what is missing, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    usual = tomllib.loads(MATRIX.read_text(encoding="utf-8"))["options"]
    settings = setting_words(merged(usual, parse_assignments(options.set)))
    table = split_by_patient(options.root / "eyepacs_eyeq", options.out / "labels.csv")
    judged = table[table["eyeq_quality"].isin([GOOD, REJECT])]
    paths = judged["image"].tolist()
    rejected = (judged["eyeq_quality"] == REJECT).to_numpy()
    names = [Path(path).name for path in paths]
    found: dict[str, list[float]] = {}
    called: list[list[float]] = []
    for seed in range(options.seeds):
        for method in METHODS:
            run = trained(options.out / "labels.csv", options.out, method, seed, settings)
            said = verdicts(run)
            for name, values in said_by(said, method):
                auc = binary_auc(rejected, values.loc[names].to_numpy(float))
                found.setdefault(name, []).append(auc)
            if method == "qmix":
                called.append(shares_called(said, table))
    for name, readable in images_alone(paths):
        found[name] = [binary_auc(rejected, -readable)]
    print(f"AUROC, {rejected.sum()} rejected against {(~rejected).sum()} good")
    shares = " ".join(f"{share:.1%}" for share in np.mean(called, axis=0))
    print(f"QMix calls mis_l of good, usable, rejected photographs: {shares}")
    for name, values in found.items():
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        print(f"  {name:<32} {np.mean(values):.3f}{spread}")


if __name__ == "__main__":
    main()
