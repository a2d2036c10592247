"""A row per run, made of what its folder holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.benchmark.cells import Cell
from mixednoise.benchmark.notes import DONE, is_current, read_json

METRICS = ("macro_f1", "balanced_accuracy", "accuracy", "macro_auc", "qwk", "ece")
SEPARATION = ("correct_auroc", "mis_l_auroc")
#: Columns of every row; those of metrics are ``<metric>_last``, ``<metric>_best`` and the same
#: with ``val_`` before them, where validation knows the metric.
FIRST = ("method", "data", "noise", "seed")
LAST = ("seconds", "peak_memory_mb", "version", "command")


def rows_of(
    cells: Sequence[Cell], known: Mapping[str, dict[str, Any]] | None = None
) -> pd.DataFrame:
    """A row for every finished cell, in the order of the cells; no rows where none is finished.

    A run of another command than the matrix has now does not count.

    Args:
        cells: of the matrix.
        known: name -> row of cells that were run elsewhere; a run folder that is here goes first.
    """
    known = known or {}
    rows = [
        _row(cell) if there else known[cell.name]
        for cell in cells
        if (there := is_current(cell)) or cell.name in known
    ]
    return pd.DataFrame(rows, columns=None if rows else [*FIRST, *LAST])


def _row(cell: Cell) -> dict[str, Any]:
    metrics, noted = read_json(cell.run / "metrics.json"), read_json(cell.run / DONE)
    row: dict[str, Any] = {
        "method": cell.method,
        "data": cell.data,
        "noise": cell.noise,
        "seed": cell.seed,
    }
    # Without a test split training tells figures of validation there, which are no test figures.
    tested = metrics if metrics.get("split", "test") == "test" else {}
    for name in METRICS:
        for epoch in ("last", "best"):
            row[f"{name}_{epoch}"] = (tested.get(epoch) or {}).get(name)
    row |= _validation(cell.run / "history.csv", metrics["best_epoch"])
    separation = metrics["separation"] or {}
    row |= {name: separation.get(name) for name in SEPARATION}
    return row | {
        "seconds": metrics["seconds"],
        "peak_memory_mb": noted["peak_memory_mb"],
        "version": noted["version"],
        "main_metric": _main_metric(metrics),
        "command": cell.command_alone,
    }


def _main_metric(metrics: Mapping[str, Any]) -> str:
    """QWK of grades, else macro-F1; of two classes QWK is a number also where they are none."""
    known = (metrics["last"] or {}).get("qwk") is not None
    several = len((metrics.get("per_class") or {}).get("last") or ()) > 2
    return "qwk" if known and (several or metrics.get("selected_by") == "qwk") else "macro_f1"


def _validation(history_file: Path, best_epoch: int) -> dict[str, float]:
    """Metrics of the validation split, last and best epoch, where there is one."""
    history = pd.read_csv(history_file)
    found = {}
    for name in METRICS:
        column = f"val_{name}"
        if column in history:
            found[f"{column}_last"] = float(history[column].iloc[-1])
            best = history.loc[history["epoch"] == best_epoch, column]
            found[f"{column}_best"] = float(best.iloc[0] if len(best) else history[column].iloc[-1])
    return found
