"""Runs the public commands, as a user would, and reads what they leave."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml


def call(*words: str | Path) -> None:
    """Run one command in a process of its own, on one thread, its words shown."""
    print("mixednoise", *words, flush=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mixednoise", *map(str, words)]
    subprocess.run(command, check=True, env=environment)


def out_of_fold(run: Path) -> pd.DataFrame:
    """Softmax of the network that never saw the sample: a row per id, a column per class."""
    folds = pd.read_csv(run / "folds.csv", dtype={"id": str})
    classes = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["classes"]
    p = np.zeros((len(folds), len(classes)))
    for number in folds["fold"].unique():
        judged = run / "folds" / f"fold_{number}" / "judged.npy"
        p[folds["fold"] == number] = np.load(judged, allow_pickle=False)
    return pd.DataFrame(p, folds["id"], classes)


def finished_runs(out: Path, pattern: str) -> list[Path]:
    """What matches below the run folders of a benchmark; ends the script where nothing does."""
    found = sorted((out / "runs").glob(pattern))
    if not found:
        sys.exit(
            f"{out / 'runs' / pattern}: no such run. Rows that a benchmark took from --rows have "
            "no run folders: run these cells without it."
        )
    return found
