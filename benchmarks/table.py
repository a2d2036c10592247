"""Mean and spread over demonstrations of several seeds, as a Markdown table.

python benchmarks/table.py runs/noisy_*
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

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


def main(folders: list[str]) -> None:
    """Print the table."""
    runs = [json.loads((Path(folder) / "metrics.json").read_text()) for folder in folders]
    found = ["correct", "mis_l"]
    titles = ["method, epoch", *METRICS.values(), *(f"AUROC {g}" for g in found), "seconds"]
    print(f"{len(runs)} seeds\n\n| " + " | ".join(titles) + " |")
    print("|" + " --- |" * len(titles))
    for method in runs[0]:
        for which in ("last", "best"):
            cells = [f"{method}, {which}"]
            cells += [cell([run[method][which][name] for run in runs]) for name in METRICS]
            separations = [run[method]["separation"] or {} for run in runs]
            last = which == "last"
            cells += [
                cell([s.get(f"{g}_auroc") for s in separations]) if last else "" for g in found
            ]
            seconds = np.mean([run[method]["seconds"] for run in runs])
            print("| " + " | ".join([*cells, f"{seconds:.0f}" if last else ""]) + " |")


if __name__ == "__main__":
    main(sys.argv[1:])
