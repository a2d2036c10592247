"""Is a disease that looks like bad quality thrown away? Of the runs of a benchmark.

python benchmarks/class_recall.py runs/core --data odir3 --class-name cataract

Per noise and method, means over the seeds: sensitivity for the class on the test split after the
last epoch (points, beside ``cross_entropy``), and of the *readable* training images of that class
and of the others the share that is called mis_l.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from commands import finished_runs


def thrown_away(run: Path, class_name: str) -> tuple[float, float]:
    """Shares of readable training images called mis_l: of the class, of the others."""
    table = pd.read_csv(run / "samples.csv", dtype=str)
    table = table[table["split"] == "train"]
    known = "noise_group" in table
    true = table["true_label"].fillna(table["given_label"]) if known else table["given_label"]
    readable = table["noise_group"] != "mis_l" if known else pd.Series(True, table.index)
    called = table["group"] == "mis_l"
    own = readable & (true == class_name)
    return float(called[own].mean()), float(called[readable & ~own].mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of a benchmark")
    parser.add_argument("--data", required=True)
    parser.add_argument("--class-name", required=True)
    options = parser.parse_args()
    rows = []
    for path in finished_runs(options.out, f"{options.data}/*/*/*/metrics.json"):
        noise, method, seed = path.parts[-4:-1]
        metrics = json.loads(path.read_text(encoding="utf-8"))
        own, others = thrown_away(path.parent, options.class_name)
        recall = metrics["per_class"]["last"][options.class_name]["sensitivity"]
        rows.append((noise, method, seed, 100 * recall, 100 * own, 100 * others))
    columns = ["noise", "method", "seed", "recall", "% of class mis_l", "% of others mis_l"]
    table = pd.DataFrame(rows, columns=columns)
    plain = table[table["method"] == "cross_entropy"].set_index(["noise", "seed"])["recall"]
    keys = pd.MultiIndex.from_frame(table[["noise", "seed"]])
    table["beside plain"] = table["recall"] - plain.reindex(keys).to_numpy()
    groups = table.groupby(["noise", "method"])
    shown = groups[[*columns[3:4], "beside plain", *columns[4:]]].agg(np.mean).round(1)
    print(shown.join(groups.size().rename("seeds")).to_string())


if __name__ == "__main__":
    main()
