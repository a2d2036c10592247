"""How each class fares: a bar per class and metric, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from mixednoise.evaluation.colours import BLUE, FAINT, GREY, INK, METRIC_TITLES
from mixednoise.evaluation.plots.style import SMALL, STYLE, new_figure, tidy
from mixednoise.evaluation.plots.text import count, fit


@rc_context(STYLE)
def plot_per_class(
    per_class: Mapping[str, Mapping[str, Any]],
    intervals: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
    *,
    metrics: Sequence[str] = ("sensitivity", "specificity", "f1", "auc"),
    level: float = 0.95,
    title: str = "Each class against the rest",
) -> Figure:
    """A panel per metric, a bar per class, the number beside it, and a line for the interval.

    Args:
        per_class: ``{class: {metric: value, "support": n}}`` as in ``classification_metrics``;
            NaN shows as "–".
        intervals: ``{class: {metric: (low, high)}}`` as in ``bootstrap_intervals``; NaN = none.
        metrics: which metrics, in which order.
        level: what share the intervals cover, for the words of the header.
        title: first line of the figure.
    """
    names = list(per_class)
    drawn = any(
        np.isfinite(intervals[name][metric]).all()
        for name in names
        for metric in metrics
        if intervals is not None
    )
    figure = new_figure(
        0.36 * max(1, len(names)) + 0.75,
        title,
        f"Lines are {100 * level:g} % intervals; n is the number of images of the class."
        if drawn
        else "n is the number of images of the class.",
    )
    grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    rows = np.arange(len(names))
    for axes, metric in zip(grid, metrics, strict=True):
        values = np.array([float(per_class[name][metric]) for name in names])
        axes.set_title(METRIC_TITLES.get(metric, metric), weight="bold")
        axes.barh(rows, np.ones(len(names)), height=0.62, color="#F5F5F5")
        axes.barh(rows, np.nan_to_num(values), height=0.62, color="#8FBFE0")
        for row, name in enumerate(names):
            low, high = intervals[name][metric] if intervals else (np.nan, np.nan)
            if np.isfinite([low, high]).all():
                axes.plot([low, high], [row, row], color=BLUE, linewidth=1.8)
                axes.plot([low, high], [row, row], color=BLUE, marker="|", ls="", markersize=5)
            known = np.isfinite(values[row])
            axes.annotate(
                f"{values[row]:.2f}" if known else "–",
                (1, row),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                size=SMALL,
                color=INK if known else GREY,
                annotation_clip=False,
            )
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_ylim(len(names) - 0.5, -0.5)
        tidy(axes, "x")
        axes.grid(color=FAINT)
        axes.spines["left"].set_visible(False)
    labels = [
        f"{fit(name, 115, SMALL)[0]}  n = {count(int(per_class[name]['support']))}"
        for name in names
    ]
    grid[0].set_yticks(rows, labels)
    return figure
