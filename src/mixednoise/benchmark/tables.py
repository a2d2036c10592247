"""Rows as a table that is read: mean and spread per cell, methods ranked, gap to the oracle."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.benchmark.matrix import NO_NOISE, Judge
from mixednoise.benchmark.rows import METRICS
from mixednoise.data.report import counted
from mixednoise.evaluation.colours import METRIC_TITLES
from mixednoise.evaluation.plots.comparison import ORACLE

#: What everybody is compared with, and what "gap closed" starts from.
BASELINE = "cross_entropy"


def main_metric(rows: pd.DataFrame) -> str:
    """QWK for grades, else macro-F1: what the rows say of it, or what they have."""
    if "main_metric" in rows and rows["main_metric"].notna().any():
        return str(rows["main_metric"].dropna().iloc[0])
    return "qwk" if rows["qwk_last"].notna().any() else "macro_f1"


def tables(rows: pd.DataFrame, judge: Judge = "test") -> str:
    """Markdown: a table per data set, then the mean over all cells with noise.

    Args:
        rows: of a benchmark.
        judge: ``test``, or ``val`` for choosing options without a look at the test split.
    """
    split = "test" if judge == "test" else "validation"
    parts = [
        f"Figures of the {split} split, last epoch (best "
        "epoch on validation in brackets), mean ± standard deviation over seeds; AUROC: mean over "
        "the noises."
    ]
    for data, mine in rows.groupby("data", sort=False):
        metric = main_metric(mine)
        parts.append(f"## {data}: {METRIC_TITLES.get(metric, metric)}")
        if as_judged(mine, judge).empty:
            parts.append(f"It has no {split} split.")
        parts.append(_per_noise(mine, metric, judge))
    noisy = rows[rows["noise"] != NO_NOISE]
    if len(set(noisy["method"])) > 1:
        parts.append(f"## Mean over {counted(_cells(noisy), 'cell')} with noise, last epoch")
        parts.append(_overall(noisy, judge))
    return "\n\n".join(parts) + "\n"


def leads(rows: pd.DataFrame, judge: Judge = "test") -> pd.DataFrame:
    """Points (hundredths) ahead of :data:`BASELINE` at the last epoch, paired by seed.

    Returns:
        Methods, the one that is ahead most first, by columns ``(data, noise)``; NaN where the two
        have no seed in common. Empty where the baseline was not run.
    """
    cells = {}
    for cell, seeds in _last_by_seed(rows, judge):
        if BASELINE in seeds:
            cells[cell] = 100 * seeds.sub(seeds[BASELINE], axis=0).mean()
    found = pd.DataFrame(cells).drop(index=BASELINE, errors="ignore").dropna(how="all")
    return found.loc[found.mean(axis=1).sort_values(ascending=False, kind="stable").index]


def as_judged(rows: pd.DataFrame, judge: Judge) -> pd.DataFrame:
    """The rows that have figures of that split, these in the columns of the test split."""
    if judge == "val":
        own = [f"{name}_{which}" for name in METRICS for which in _WHICH]
        rows = rows.drop(columns=own, errors="ignore").rename(
            columns={f"val_{name}": name for name in own}
        )
    return rows[rows["macro_f1_last"].notna()] if "macro_f1_last" in rows else rows.iloc[:0]


def _per_noise(rows: pd.DataFrame, metric: str, judge: Judge) -> str:
    noises = list(dict.fromkeys(rows["noise"]))
    titles = ["method", *noises, "AUROC correct", "AUROC mis_l", "minutes"]
    lines = []
    for method, mine in rows.groupby("method", sort=False):
        cells = [str(method)]
        for noise in noises:
            there = mine[mine["noise"] == noise]
            last, best = (_spread(there, _column(metric, which, judge)) for which in _WHICH)
            cells.append(f"{last} ({best})" if last else "")
        cells += [_mean_over_noises(mine, name) for name in ("correct_auroc", "mis_l_auroc")]
        cells.append(f"{mine['seconds'].mean() / 60:.1f}")
        lines.append(cells)
    return _markdown(titles, lines)


_WHICH = ("last", "best")


def _overall(rows: pd.DataFrame, judge: Judge) -> str:
    """Methods by their mean over cells; only seeds for which every method has a run count."""
    methods = list(dict.fromkeys(rows["method"]))
    by_seed = [seeds.reindex(columns=methods).dropna() for _, seeds in _last_by_seed(rows, judge)]
    whole = [seeds for seeds in by_seed if len(seeds)]
    if not whole:
        return "No cell has a run of every method yet."
    of = pd.DataFrame([seeds.mean() for seeds in whole])  # (cells, methods)
    # Mean over cells for every seed that all cells have (seeds, methods): one run of the matrix.
    cells = pd.concat(whole).groupby(level=0)
    runs = cells.mean()[cells.size().eq(len(whole))]
    titles = ["method", "mean", f"ahead of {BASELINE}", "gap to the oracle closed", "worst cell"]
    lines = []
    for method in of.mean().sort_values(ascending=False, kind="stable").index:
        ahead = closed = worst = ""
        if BASELINE in of and method != BASELINE:
            lead = of[method] - of[BASELINE]
            spread = _deviation(100 * (runs[method] - runs[BASELINE]).to_numpy(), digits=1)
            ahead, worst = f"{100 * lead.mean():+.1f}{spread}", f"{100 * lead.min():+.1f}"
            if ORACLE in of and method != ORACLE:
                gap = float((of[ORACLE] - of[BASELINE]).mean())
                closed = f"{100 * lead.mean() / gap:.0f} %" if gap > 0 else "no gap"
        mean = f"{of[method].mean():.3f}{_deviation(runs[method].to_numpy())}"
        lines.append([str(method), mean, ahead, closed, worst])
    note = f"Of {len(by_seed)} cells {len(whole)} have a run of every method. "
    spread = " Mean over cells ± standard deviation over seeds." if len(runs) > 1 else ""
    return (
        (note if len(whole) < len(by_seed) else "")
        + f"Points are hundredths.{spread}\n\n"
        + _markdown(titles, lines)
    )


def _last_by_seed(rows: pd.DataFrame, judge: Judge) -> Iterator[tuple[Hashable, pd.DataFrame]]:
    """Each cell ``(data, noise)`` with its figures at the last epoch (seeds, methods)."""
    for cell, mine in rows.groupby(["data", "noise"], sort=False):
        metric = _column(main_metric(mine), "last", judge)
        yield cell, mine.pivot_table(index="seed", columns="method", values=metric, sort=False)


def _column(metric: str, which: str, judge: Judge) -> str:
    return f"{'val_' if judge == 'val' else ''}{metric}_{which}"


def _mean_over_noises(rows: pd.DataFrame, column: str) -> str:
    """Mean over the noises that have a value; its spread is that over seeds which have them all."""
    seeds = rows.pivot_table(index="seed", columns="noise", values=column)
    if seeds.empty:
        return ""
    whole = seeds.dropna().mean(axis=1).to_numpy(np.float64)
    return f"{seeds.mean().mean():.2f}{_deviation(whole, digits=2)}"


def _spread(rows: pd.DataFrame, column: str, digits: int = 3) -> str:
    values = rows[column].to_numpy(np.float64) if column in rows else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return ""
    return f"{values.mean():.{digits}f}{_deviation(values, digits)}"


def _deviation(values: np.ndarray[Any, np.dtype[np.float64]], digits: int = 3) -> str:
    """`` ± s`` of several values, nothing of one."""
    return f" ± {values.std(ddof=1):.{digits}f}" if len(values) > 1 else ""


def _cells(rows: pd.DataFrame) -> int:
    return len(rows[["data", "noise"]].drop_duplicates())


def _markdown(titles: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    return "\n".join(head + ["| " + " | ".join(line) + " |" for line in lines])
