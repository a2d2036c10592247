"""Are labels wrong as often as the audit says? From a benchmark whose data have known truth.

python benchmarks/verdict_calibration.py runs/matrix

Reads the finished runs of ``mixednoise benchmark matrix.toml --out runs/matrix``, made with the
default of ``separation.verdict_temperature``, and prints a row per method and temperature (means
over the runs), of data with noise and of data without:

- ``AUROC``: of p(correct), correct against the rest;
- ``Brier``: mean of (p(correct) - whether the label is right)^2;
- ``log loss``: mean of -log p(the true group), in nats, p at least 1e-6;
- ``sure``: share of the training samples with p(mis_h) >= .9, what p(mis_h) is there, and how many
  of them are mis_h.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from commands import finished_runs
from mixednoise.data.table import GROUPS
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.separation import SeparationSettings, tempered

P = ["p_correct", "p_mis_h", "p_mis_l"]
SURE, LEAST = 0.9, 1e-6
#: Verdicts that are no separation by loss and entropy, and have no temperature.
OTHERS = ("dividemix", "oracle", "sscl")


def row_of(p: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> dict[str, float]:
    """The numbers of one verdict (N, 3) over samples whose true group (N,) is known."""
    sure = p[:, 1] >= SURE
    told = np.maximum(p[np.arange(len(p)), truth], LEAST)
    return {
        "AUROC": binary_auc(truth == 0, p[:, 0]),
        "Brier": float(np.mean((p[:, 0] - (truth == 0)) ** 2)),
        "log loss": float(-np.log(told).mean()),
        "sure": float(sure.mean()),
        "said": float(p[sure, 1].mean()) if sure.any() else np.nan,
        "right": float((truth[sure] == 1).mean()) if sure.any() else np.nan,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, help="folder of the benchmark")
    parser.add_argument("--temperatures", type=float, nargs="+", default=[1, 2, 3, 4])
    given = parser.parse_args()
    default = SeparationSettings().verdict_temperature
    rows = []
    for file in finished_runs(given.runs, "*/*/*/*/samples.csv"):
        method = file.parts[-3]
        table = pd.read_csv(file, dtype={"id": str})
        if "noise_group" not in table:  # no noise was put in
            table["noise_group"] = GROUPS[0]
        table = table[
            table["noise_group"].notna()
            & (table["split"] == "train")
            & table[P].notna().all(axis=1)
        ]
        if method in OTHERS or table.empty:
            continue
        truth = table["noise_group"].map({name: k for k, name in enumerate(GROUPS)}).to_numpy(int)
        reported = table[P].to_numpy(np.float64)
        head = {"data": "noise" if (truth > 0).any() else "no noise", "method": method}
        for temperature in given.temperatures:
            p = tempered(reported, temperature / default)
            rows.append({**head, "temperature": temperature, **row_of(p, truth)})
    found = pd.DataFrame(rows).groupby(["data", "method", "temperature"], sort=False).mean()
    print(found.round(3).to_string())


if __name__ == "__main__":
    main()
