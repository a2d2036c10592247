"""A row per run, made of what its folder holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.benchmark.cells import Cell
from mixednoise.io import write_json
from mixednoise.version import __version__

METRICS = ("macro_f1", "balanced_accuracy", "accuracy", "macro_auc", "qwk", "ece")
SEPARATION = ("correct_auroc", "mis_l_auroc")
DONE = "benchmark.json"
#: Columns of every row; those of metrics are ``<metric>_last``, ``<metric>_best`` and the same
#: with ``val_`` before them, where validation knows the metric.
FIRST = ("method", "data", "noise", "seed")
LAST = ("seconds", "peak_memory_mb", "version", "command")


def is_done(cell: Cell) -> bool:
    """Whether the cell has been run to its end, whatever its command was."""
    return (cell.run / DONE).exists() and (cell.run / "metrics.json").exists()


def command_of(cell: Cell) -> str | None:
    """The command that made the run that is there; None where none has finished."""
    return _read(cell.run / DONE).get("command") if is_done(cell) else None


def data_command_of(cell: Cell) -> str | None:
    """The command that made the noisy data that is there; None where there is none yet."""
    note = _data_note(cell)
    if note is None or not note.exists():
        return None
    return str(_read(note).get("command"))


def mark_data(cell: Cell) -> None:
    """Note that the noisy data of the cell is whole."""
    note = _data_note(cell)
    if note is not None:
        write_json(note, {"command": cell.corrupt_command})


def _data_note(cell: Cell) -> Path | None:
    return None if cell.noisy is None else cell.noisy / DONE


def mark_done(cell: Cell, peak_memory_mb: float) -> None:
    """Note what the run folder itself can't tell."""
    write_json(
        cell.run / DONE,
        {
            "command": cell.command,
            "peak_memory_mb": round(peak_memory_mb, 1),
            "version": __version__,
        },
    )


def rows_of(
    cells: Sequence[Cell], known: Mapping[str, dict[str, Any]] | None = None
) -> pd.DataFrame:
    """A row for every finished cell, in the order of the cells; no rows where none is finished.

    Args:
        cells: of the matrix.
        known: name -> row of cells that were run elsewhere; a run folder that is here goes first.
    """
    known = known or {}
    rows = [
        _row(cell) if is_done(cell) else known[cell.name]
        for cell in cells
        if is_done(cell) or cell.name in known
    ]
    return pd.DataFrame(rows, columns=None if rows else [*FIRST, *LAST])


def _row(cell: Cell) -> dict[str, Any]:
    metrics, noted = _read(cell.run / "metrics.json"), _read(cell.run / DONE)
    row: dict[str, Any] = {
        "method": cell.method,
        "data": cell.data,
        "noise": cell.noise,
        "seed": cell.seed,
    }
    for name in METRICS:
        for epoch in ("last", "best"):
            row[f"{name}_{epoch}"] = (metrics[epoch] or {}).get(name)
    row |= _validation(cell.run / "history.csv", metrics["best_epoch"])
    separation = metrics["separation"] or {}
    row |= {name: separation.get(name) for name in SEPARATION}
    return row | {
        "seconds": metrics["seconds"],
        "peak_memory_mb": noted["peak_memory_mb"],
        "version": noted["version"],
        "command": noted["command"],
    }


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


def _read(file: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values
