"""Mean and spread over demonstrations of several seeds, as a Markdown table.

python benchmarks/table.py runs/noisy_*
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

METRICS = {
    "qwk": "QWK",
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "macro_auc": "AUC",
    "ece": "ECE",
}


def cell(values: list[float | None]) -> str:
    """Mean ± sample standard deviation."""
    known = np.array([v for v in values if v is not None])
    if not len(known):
        return ""
    spread = f" ± {known.std(ddof=1):.3f}" if len(known) > 1 else ""
    return f"{known.mean():.3f}{spread}"


def table(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Print a row per method and epoch; ``runs`` holds the metrics of every seed per method."""
    found = ["correct", "mis_l"]
    # QWK is null where the classes have no order.
    every = [run[which] for seeds in runs.values() for run in seeds for which in ("last", "best")]
    names = [name for name in METRICS if any(metrics[name] is not None for metrics in every)]
    shown = [METRICS[name] for name in names]
    titles = ["method, epoch", *shown, *(f"AUROC {g}" for g in found), "seconds"]
    print("| " + " | ".join(titles) + " |")
    print("|" + " --- |" * len(titles))
    for method, seeds in runs.items():
        for which in ("last", "best"):
            cells = [f"{method}, {which}"]
            cells += [cell([run[which][name] for run in seeds]) for name in names]
            separations = [run["separation"] or {} for run in seeds]
            last = which == "last"
            cells += [
                cell([s.get(f"{g}_auroc") for s in separations]) if last else "" for g in found
            ]
            seconds = np.mean([run["seconds"] for run in seeds])
            print("| " + " | ".join([*cells, f"{seconds:.0f}" if last else ""]) + " |")


def main(folders: list[str]) -> None:
    """Print the table of demonstrations."""
    runs = [json.loads((Path(folder) / "metrics.json").read_text()) for folder in folders]
    print(f"{len(runs)} seeds\n")
    table({method: [run[method] for run in runs] for method in runs[0]})


if __name__ == "__main__":
    main(sys.argv[1:])
