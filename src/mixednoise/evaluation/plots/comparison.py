"""Methods beside each other: the last epoch against the best one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.colours import BLACK, BLUE, GREY, METRIC_TITLES
from mixednoise.evaluation.plots.style import BODY, SMALL, STYLE, WIDTH, new_figure, tidy
from mixednoise.evaluation.plots.text import clean, fit

Floats = NDArray[np.float64]
_BEST = "#A9CDE6"
_ORACLE, _ORACLE_BEST = "#8A8A8A", "#CFCFCF"
#: The upper bound: trained on the truly correct samples only.
ORACLE = "oracle"


@rc_context(STYLE)
def plot_comparison(
    rows: pd.DataFrame,
    *,
    metrics: Sequence[str] = ("macro_f1", "balanced_accuracy", "qwk"),
    title: str = "Methods compared",
) -> Figure:
    """A panel per metric, a row per method: dark bars are the last epoch, light ones the best.

    The gap between the two is what memorising the noise costs. Runs of several seeds are averaged;
    a thin line spans their least and largest value. Several data sets or noises make one block of
    panels each.

    Args:
        rows: a row per run: ``method``, ``<metric>_last`` and ``<metric>_best`` for each metric
            (a missing column or value is left out), and ``data`` and ``noise`` where they vary.
        metrics: which metrics, in which order; those without any value are left out.
        title: first line of the figure.

    Raises:
        DataError: no ``method`` column, or no value of any of the metrics.
    """
    shown = [
        m
        for m in metrics
        if any(f"{m}_{k}" in rows and rows[f"{m}_{k}"].notna().any() for k in ("last", "best"))
    ]
    if "method" not in rows or not shown:
        raise DataError(
            "there is nothing to compare",
            expected="a column method, and columns such as macro_f1_last and macro_f1_best",
            found=f"columns {', '.join(map(str, rows.columns)) or 'none'}",
            fix="pass the rows of a benchmark, or other metrics",
        )
    keys = [key for key in ("data", "noise") if key in rows and len(rows[key].unique()) > 1]
    blocks = list(rows.groupby(keys, sort=False, dropna=False)) if keys else [((), rows)]
    lengths = [block["method"].nunique() for _, block in blocks]
    runs = rows.groupby(["method", *keys], dropna=False).size()
    seeds = f" Mean of {runs.min()} to {runs.max()} runs" if runs.min() < runs.max() else (
        f" Mean of {runs.max()} runs" if runs.max() > 1 else ""
    )  # fmt: skip
    figure = new_figure(
        sum(0.42 * n + 0.62 for n in lengths) + 0.15,
        title,
        "Dark: last epoch, light: best epoch on the validation split."
        + (f"{seeds}; thin lines span them." if seeds else ""),
        [(BLUE, "last epoch"), (_BEST, "best epoch")]
        + ([(_ORACLE, "oracle: correct labels only")] if (rows["method"] == ORACLE).any() else []),
    )
    grid = figure.subplots(
        len(blocks), len(shown), squeeze=False, sharey="row", sharex="col",
        height_ratios=[0.42 * n + 0.62 for n in lengths],
    )  # fmt: skip
    for line, (key, block) in zip(grid, blocks, strict=True):
        methods = list(dict.fromkeys(block["method"]))
        for axes, metric in zip(line, shown, strict=True):
            _panel(axes, block, methods, metric)
            axes.set_xlim(*_limits(rows, metric))
            axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
        line[0].set_yticks(
            range(len(methods)), [fit(str(m), 120, BODY)[0] for m in methods], size=BODY
        )
        line[0].set_ylim(len(methods) - 0.5, -0.5)
        if keys:
            heading = ", ".join(clean(str(part)) for part in key)
            line[0].annotate(
                heading, (0, 1), xycoords="axes fraction", xytext=(0, 5),
                textcoords="offset points", size=SMALL, color=GREY,
            )  # fmt: skip
    for axes, metric in zip(grid[0], shown, strict=True):
        name = fit(METRIC_TITLES.get(metric, metric), (WIDTH / len(shown) - 0.7) * 72, BODY)[0]
        axes.set_title(name, weight="bold", pad=18 if keys else 6)
    return figure


def _panel(axes: Axes, block: pd.DataFrame, methods: Sequence[str], metric: str) -> None:
    for row, method in enumerate(methods):
        mine = block[block["method"] == method]
        oracle = method == ORACLE
        for kind, offset, colour in (
            ("last", -0.19, _ORACLE if oracle else BLUE),
            ("best", 0.19, _ORACLE_BEST if oracle else _BEST),
        ):
            values = _finite(mine, f"{metric}_{kind}")
            if not len(values):
                continue
            mean = float(values.mean())
            axes.barh(row + offset, mean, height=0.34, color=colour)
            if len(values) > 1:
                ends = [float(values.min()), float(values.max())]
                axes.plot(ends, [row + offset] * 2, color=BLACK, linewidth=0.9)
            axes.annotate(
                f"{mean:.3f}",
                (max(float(values.max()), 0.0), row + offset),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                size=SMALL,
            )
    tidy(axes, "x")
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color="#9A9A9A", linewidth=0.8)


def _limits(rows: pd.DataFrame, metric: str) -> tuple[float, float]:
    """From zero (or below) to a little beyond the longest bar, so that its number has room."""
    values = np.concatenate([_finite(rows, f"{metric}_{kind}") for kind in ("last", "best")])
    low, high = min(0.0, float(values.min())), max(0.05, float(values.max()))
    return 1.05 * low, low + (high - low) / 0.78


def _finite(rows: pd.DataFrame, column: str) -> Floats:
    if column not in rows:
        return np.empty(0)
    values = pd.to_numeric(rows[column], errors="coerce").to_numpy(np.float64)
    finite: Floats = values[np.isfinite(values)]
    return finite
