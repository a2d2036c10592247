"""Many methods on many data sets and noises: a heat map of who is ahead of the baseline where."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.colours import BLUE, GREY, INK, ORANGE
from mixednoise.evaluation.plots.style import BODY, SMALL, STYLE, WIDTH, new_figure
from mixednoise.evaluation.plots.text import fit

#: A lead of so many points, ahead or behind, has the full colour.
FULL = 15.0
_COLOURS = LinearSegmentedColormap.from_list("behind, ahead", [ORANGE, "#FFFFFF", BLUE])
#: Cells beside each other before a new line begins, inches of a row, of names, of their headings.
_ACROSS, _ROW, _NAMES, _HEADING = 16, 0.27, 1.75, 1.05


@rc_context(STYLE)
def plot_matrix(leads: pd.DataFrame, *, baseline: str, title: str = "Methods compared") -> Figure:
    """A row per method, a column per cell: points ahead of the baseline.

    Args:
        leads: points (hundredths of the metric) ahead of the baseline: methods from top to bottom,
            columns ``(data, noise)`` from left to right; NaN = not run.
        baseline: its name.
        title: first line of the figure.

    Raises:
        DataError: no method, or no cell.
    """
    if leads.empty:
        raise DataError(
            "there is nothing to compare",
            expected="a row per method and a column per cell",
            found=f"{len(leads)} methods, {leads.shape[1]} cells",
            fix="run the baseline and another method in one cell at least",
        )
    blocks = list(_blocks(leads))
    height = _ROW * len(leads) + _HEADING
    figure = new_figure(
        height * len(blocks),
        title,
        f"Points ahead of {baseline} (blue) or behind it (orange), last epoch, mean over the seeds "
        "that both have.",
        arranged=False,
    )
    total, wide = figure.get_figheight(), WIDTH - _NAMES - 0.15
    for number, block in enumerate(blocks):
        axes = figure.add_axes(
            (
                _NAMES / WIDTH,
                (height * (len(blocks) - 1 - number) + 0.1) / total,
                wide * min(1.0, block.shape[1] / (_ACROSS if len(blocks) > 1 else 6)) / WIDTH,
                _ROW * len(block) / total,
            )
        )
        _heat(axes, block)
    return figure


def _blocks(leads: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Columns as many as fit beside each other; a data set stays whole where it can."""
    start = 0
    data = leads.columns.get_level_values(0)
    while start < leads.shape[1]:
        end = min(start + _ACROSS, leads.shape[1])
        if end < leads.shape[1]:
            first = int(np.flatnonzero(data == data[end])[0])
            end = first if start < first else end
        yield leads.iloc[:, start:end]
        start = end


def _heat(axes: Axes, block: pd.DataFrame) -> None:
    values: NDArray[np.float64] = block.to_numpy(np.float64)
    rows, columns = values.shape
    axes.imshow(
        np.ma.masked_invalid(values), cmap=_COLOURS, vmin=-FULL, vmax=FULL, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    for (row, column), value in np.ndenumerate(values):
        known = np.isfinite(value)
        dark = known and value > 0.6 * FULL
        axes.text(
            column, row, f"{value:+.1f}" if known else "–", ha="center", va="center", size=SMALL,
            color="white" if dark else INK if known else GREY,
        )  # fmt: skip
    axes.set_yticks(range(rows), [fit(str(m), (_NAMES - 0.25) * 72, BODY)[0] for m in block.index])
    axes.tick_params(length=0, labelsize=BODY)
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(columns),
        [fit(str(noise), 55, SMALL)[0] for noise in block.columns.get_level_values(1)],
        rotation=55,
        ha="left",
        rotation_mode="anchor",
        size=SMALL,
    )
    data = block.columns.get_level_values(0)
    edges = [0, *(np.flatnonzero(data[1:] != data[:-1]) + 1), columns]
    for left, right in pairwise(edges):
        width = axes.get_position().width * WIDTH * 72 * (right - left) / columns
        axes.annotate(
            fit(str(data[left]), width, SMALL)[0], (left - 0.45, -0.5), xycoords="data",
            xytext=(0, 54), textcoords="offset points", size=SMALL, weight="bold",
            annotation_clip=False,
        )  # fmt: skip
        if left:
            axes.axvline(left - 0.5, color=INK, linewidth=1.0)
    axes.spines[:].set_visible(False)
