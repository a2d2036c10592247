"""Markdown tables of what ``benchmarks/segmentation.py`` has finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

#: Compared cell by cell: the baseline and ours.
BASELINE, OURS = "cross_entropy", "cl_slsr"
CELL = ["structure", "alpha", "level"]


def table(out: Path, methods: list[str]) -> str:
    """Means of every cell over its seeds, then every cell and seed by itself.

    Args:
        out: folder of the benchmark.
        methods: columns, in their order.
    """
    found = _finished(out)
    if not found:
        return "no finished cell"
    rows = pd.concat([_dice(path) for path in found])
    single = [line for path in found if (line := _compared(path))]
    return "\n".join([*_means(rows, methods), "", *_HEAD, *single])


def _finished(out: Path) -> list[Path]:
    return [path.parent for path in sorted(out.glob("*/comparison.csv"))]


def _cell(folder: Path) -> dict[str, Any]:
    structure, alpha, level, seed = folder.name.rsplit("_", 3)
    return {"structure": structure, "alpha": float(alpha), "level": level, "seed": int(seed)}


def _last(folder: Path) -> pd.DataFrame:
    """Of every method: last epoch, mean over the classes."""
    return pd.read_csv(folder / "comparison.csv").query("epoch == 'last' and `class` == 'all'")


def _dice(folder: Path) -> pd.DataFrame:
    return _last(folder)[["method", "dice"]].assign(**_cell(folder))


def _means(rows: pd.DataFrame, methods: list[str]) -> list[str]:
    means = rows.groupby([*CELL, "method"])["dice"].agg(["mean", "std", "count"]).reset_index()
    means["shown"] = [
        f"{mean:.3f} ± {spread:.3f}" if count > 1 else f"{mean:.3f}"
        for mean, spread, count in zip(means["mean"], means["std"], means["count"], strict=True)
    ]
    seeds = rows.groupby(CELL)["seed"].nunique()
    shown = means.pivot_table(index=CELL, columns="method", values="shown", aggfunc="first")
    order = [name for name in methods if name in shown]
    order += [name for name in shown if name not in methods]
    lines = ["| masks | seeds | " + " | ".join(order) + " |", "|" + " --- |" * (len(order) + 2)]
    for cell, row in shown[order].fillna("").iterrows():
        values = " | ".join(str(value) for value in row)
        lines.append(f"| {_named(*cell)} | {seeds[cell]} | {values} |")
    return lines


def _named(structure: str, alpha: float, level: str) -> str:
    return f"{structure}, alpha {_short(alpha)}, level {level}" if alpha else f"{structure}, clean"


_HEAD = [
    "| masks | cross-entropy | CL + SLSR | difference, points (95 %) | HD95, pixels | "
    "F1 of wrong pixels (precision, recall) | the same, plain disagreement |",
    "|" + " --- |" * 7,
]


def _compared(folder: Path) -> str:
    """One cell and seed: baseline against ours; nothing where one of them is missing."""
    last = _last(folder).set_index("method")
    if not {BASELINE, OURS} <= set(last.index):
        return ""
    pairs = pd.read_csv(folder / "paired.csv").set_index(["method", "baseline"])
    pair = pairs.loc[(OURS, BASELINE)]
    numbers = [last.loc[name, "dice"] for name in (BASELINE, OURS)]
    cell = _cell(folder)
    name = _named(*(cell[part] for part in CELL))
    columns = [
        f"{name}, seed {cell['seed']}",
        *(_bold(value, value == max(numbers)) for value in numbers),
        f"{_points(pair['difference'])} ({_points(pair['low'])} .. {_points(pair['high'])})",
        ", ".join(f"{last.loc[method, 'hd95']:.1f}" for method in (BASELINE, OURS)),
        *(_identified(folder, rule) for rule in ("ours", "argmax")),
    ]
    return "| " + " | ".join(columns) + " |"


def _identified(folder: Path, which: str) -> str:
    """F1, precision and recall of the wrong pixels; nothing where no pixel is wrong."""
    rules = json.loads((folder / OURS / "metrics.json").read_text(encoding="utf-8"))
    found = rules["identification"]
    if not found:
        return ""
    rule = "argmax" if which == "argmax" else next(name for name in found if name != "argmax")
    scores = found[rule]
    if not scores["wrong"]:
        return ""
    parts = [_short(round(scores[name], 2), 2) for name in ("f1", "precision", "recall")]
    return f"{parts[0]} ({parts[1]}, {parts[2]})"


def _bold(value: float, best: bool) -> str:
    text = _short(value, 3)
    return f"**{text}**" if best else text


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _short(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".removeprefix("0")
