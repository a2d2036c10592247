"""How well could wrong labels be told apart by networks that learned from right ones alone?

python benchmarks/separation_limit.py runs/core

For every finished ``oracle`` of a benchmark: its networks, which know the classes as well as right
labels can teach them at this size, judge *test* images that they never saw. These get wrong labels
as often and of the same kind as the readable training images did (200 draws), and are ranked by the
probability of the given label. Printed: AUROC of right against wrong labels, and what AUROC of
correct against all others would follow in training if every unreadable image were found besides.
Beside them what ``qmix`` reached there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
import yaml

from commands import finished_runs
from mixednoise.data.readers import read_dataset
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.loading import load

DRAWS = 200
Array = np.ndarray[Any, Any]


def judged_test(run: Path) -> tuple[Array, Array]:
    """Mean softmax (N, C) of the run's networks for the test images, and their labels."""
    source = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["data"]
    dataset = read_dataset(source)
    test = dataset.subset(dataset.rows("test"))
    return load(run).predict_proba(test), test.labels


def label_noise(samples: pd.DataFrame, classes: list[str]) -> Array:
    """P(given | true) of the readable training images, (C, C)."""
    train = samples[(samples["split"] == "train") & samples["noise_group"].notna()]
    readable = train[train["noise_group"] != "mis_l"]
    counts = pd.crosstab(readable["true_label"], readable["given_label"])
    counts = counts.reindex(index=classes, columns=classes, fill_value=0)
    shares: Array = counts.div(counts.sum(axis=1), axis=0).to_numpy()
    return shares


def told_apart(p: Array, true: Array, noise: Array, rng: np.random.Generator) -> float:
    """Mean AUROC of right against wrong labels, ranked by the probability of the given one."""
    found = []
    for _ in range(DRAWS):
        edges = noise[true].cumsum(axis=1)
        given = (rng.random((len(true), 1)) > edges).sum(axis=1).clip(max=noise.shape[1] - 1)
        found.append(binary_auc(given == true, p[np.arange(len(true)), given]))
    return float(np.mean(found))


def main() -> None:
    """Print a row per cell, means over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of a benchmark")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rows = []
    for path in finished_runs(options.out, "*/*/oracle/*/metrics.json"):
        data, noise, _, seed = path.parts[-5:-1]
        ours = path.parents[2] / "qmix" / seed / "samples.csv"
        if not ours.exists():
            continue
        samples = pd.read_csv(ours, dtype={"given_label": str, "true_label": str})
        classes = yaml.safe_load((path.parent / "config.yaml").read_text("utf-8"))["classes"]
        shares = label_noise(samples, [str(c) for c in classes])
        p, true = judged_test(path.parent)
        limit = told_apart(p, true, shares, np.random.default_rng(0))
        train = samples[(samples["split"] == "train") & samples["noise_group"].notna()]
        group = train["noise_group"].to_numpy(object)
        unreadable = (group == "mis_l").sum() / (group != "correct").sum()
        readable = group != "mis_l"
        score = train["p_correct"].to_numpy(float)
        rows.append(
            {
                "data": data,
                "noise": noise,
                "wrong labels, limit": limit,
                "qmix": binary_auc(group[readable] == "correct", score[readable]),
                "correct, limit": (1 - unreadable) * limit + unreadable,
                "qmix ": binary_auc(group == "correct", score),
            }
        )
    table = pd.DataFrame(rows)
    groups = table.groupby(["data", "noise"])
    print(groups.mean().join(groups.size().rename("seeds")).round(3).to_string())


if __name__ == "__main__":
    main()
