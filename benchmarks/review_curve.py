"""How many wrong labels are found per image that a person looks at, and what is that worth?

python benchmarks/review_curve.py DATA --out runs/review

For every data set and seed: noise on purpose (15 % wrong labels, 5 % degraded images with random
labels, in the training part), training, audit. Then three orders of review are compared:

- ``mixednoise``: that of the audit of a QMix run;
- ``cleanlab``: its label issues by self-confidence, then all others by self-confidence, from
  out-of-fold probabilities (``--method confident_learning``);
- ``random``.

A sample counts as found when its label was changed or its image degraded. After a tenth of the
list the truth decides like a reviewer would (relabel, exclude, keep), the decisions are applied,
and a pair of networks learns from the result with plain cross-entropy. All steps are the public
commands; a second call goes on where the first one stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commands import call, out_of_fold
from mixednoise.audit.folder import AuditFolder
from mixednoise.audit.order import review_order
from mixednoise.review.decisions import Decision, Decisions

SETS = {
    "odir3": ["odir3/labels.csv", "--group-column", "patient"],
    "ham10000": ["ham10000/HAM10000_metadata.csv", "--take", "3300"],
}
NETWORK = ["--set", "backbone=resnet10_tiny", "--set", "image_size=28", "--set", "threads=1"]
MIS_H, MIS_L = 0.15, 0.05
BUDGETS = (0.01, 0.02, 0.05, 0.10, 0.15, 0.20, 0.30, 0.50)
REVIEWED = 0.10
#: Random orders whose mean is shown.
DRAWS = 200
Array = np.ndarray[Any, Any]


def train(data: Path, out: Path, method: str, seed: int, epochs: int) -> Path:
    """A finished run; an unfinished one goes on."""
    if not (out / "metrics.json").exists():
        call(
            *("train", data, "--method", method, "--seed", str(seed), "--epochs", str(epochs)),
            *(*NETWORK, "--out", out, "--quiet", "--resume" if out.exists() else "--overwrite"),
        )
    return out


def found_by(order: Array, wrong: Array) -> Array:
    """Share of the wrong samples among the first of the order, at every budget."""
    hits = np.cumsum(wrong[order])
    return np.array([hits[round(b * len(order)) - 1] for b in BUDGETS]) / wrong.sum()


def cleanlab_order(run: Path, table: pd.DataFrame) -> Array:
    """Rows of the table in cleanlab's order."""
    from cleanlab.filter import find_label_issues

    said = out_of_fold(run)
    p = said.loc[table["id"].astype(str)].to_numpy()
    labels = table["given_label"].map({c: k for k, c in enumerate(said.columns)}).to_numpy(int)
    ranked = find_label_issues(labels, p, return_indices_ranked_by="self_confidence", n_jobs=1)
    rest = np.argsort(p[np.arange(len(labels)), labels], kind="stable")
    return np.concatenate([ranked, rest[~np.isin(rest, ranked)]])


def truth_decides(row: Any) -> Decision:
    """What a reviewer who knows the truth says of a sample."""
    if row.noise_group == "mis_l":
        action, label = "exclude", ""
    elif row.true_label == row.given_label:
        action, label = "keep", ""
    else:
        action, label = "relabel", str(row.true_label)
    return Decision(0, str(row.id), "truth", action, label, "", "benchmark", "", "")  # type: ignore[arg-type]


def retrained(
    audit: Path, work: Path, name: str, rows: pd.DataFrame, seed: int, epochs: int
) -> float:
    """Test macro-F1 after the truth has reviewed these rows."""
    folder = work / f"audit_{name}"
    corrected = work / f"corrected_{name}.csv"
    if not corrected.exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(audit, folder, ignore=shutil.ignore_patterns("run", "decisions.sqlite*"))
        decisions = Decisions(
            AuditFolder(folder).decisions, AuditFolder(folder).read_manifest().fingerprint
        )
        decisions.record_many(truth_decides(row) for row in rows.itertuples())
        call("apply", folder, "--out", corrected, "--quiet")
    run = train(corrected, work / f"after_{name}", "cross_entropy", seed, epochs)
    return macro_f1(run)


def macro_f1(run: Path) -> float:
    """Of the test split, after the last epoch."""
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return float(metrics["last"]["macro_f1"])


def one(name: str, root: Path, out: Path, seed: int, epochs: int) -> Iterator[dict[str, Any]]:
    """A row per order: shares found at every budget, macro-F1 after the review."""
    work = out / f"{name}_{seed}"
    path, *reading = SETS[name]
    data = work / "data" / "labels.csv"
    if not data.exists():
        noise = ["--mis-h", str(MIS_H), "--mis-l", str(MIS_L), "--seed", str(seed), "--quiet"]
        call("corrupt", root / path, *reading, *noise, "--out", work / "data")
    ours = train(data, work / "qmix", "qmix", seed, epochs)
    theirs = train(data, work / "confident_learning", "confident_learning", seed, epochs)
    before = macro_f1(train(data, work / "before", "cross_entropy", seed, epochs))
    if not (work / "audit" / "audit.json").exists():
        call("audit", ours, "--out", work / "audit", "--overwrite", "--quiet")
    every = AuditFolder(work / "audit").read_table()
    table = every[every["split"] == "train"].reset_index(drop=True)
    wrong = (table["noise_group"] != "correct").to_numpy(bool)
    rng = np.random.default_rng((seed, 97))
    orders = {
        "mixednoise": review_order(table["is_label_issue"], table["label_quality"]),
        "cleanlab": cleanlab_order(theirs, table),
        "random": rng.permutation(len(table)),
    }
    for way, order in orders.items():
        found = found_by(order, wrong)
        if way == "random":
            draws = [found_by(rng.permutation(len(table)), wrong) for _ in range(DRAWS)]
            found = np.mean(draws, axis=0)
        top = table.iloc[order[: round(REVIEWED * len(order))]]
        yield {
            "data": name,
            "seed": seed,
            "order": way,
            **{f"{b:.0%}": share for b, share in zip(BUDGETS, found, strict=True)},
            "before": before,
            "after": retrained(work / "audit", work, way, top, seed, epochs),
        }


def draw(table: pd.DataFrame, path: Path) -> None:
    """The curves, a panel per data set."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(table["data"]))
    figure, panels = plt.subplots(1, len(names), figsize=(5 * len(names), 4), squeeze=False)
    for panel, name in zip(panels[0], names, strict=True):
        for way, rows in table[table["data"] == name].groupby("order", sort=False):
            shares = rows[[f"{b:.0%}" for b in BUDGETS]]
            panel.errorbar(
                [100 * b for b in BUDGETS], 100 * shares.mean(), 100 * shares.std(ddof=0),
                label=way, marker="o", capsize=2,
            )  # fmt: skip
        panel.set(title=name, xlabel="images looked at, %", ylabel="errors found, %")
        panel.grid(alpha=0.3)
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run what is missing; print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path, help="folder with odir3/ and ham10000/")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=30)
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for seed in given.seeds:
        for name in given.sets:
            rows += one(name, given.root, given.out, seed, given.epochs)
            pd.DataFrame(rows).to_csv(given.out / "curve.csv", index=False)
    table = pd.DataFrame(rows)
    draw(table, given.out / "curve.png")
    means = table.drop(columns="seed").groupby(["data", "order"], sort=False).mean()
    print(means.join(table.groupby(["data", "order"]).size().rename("seeds")).round(3).to_string())


if __name__ == "__main__":
    main()
