"""What was taken for what: the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from mixednoise.evaluation.colours import BLUE, GREY, INK
from mixednoise.evaluation.plots.style import BODY, SMALL, STYLE, WIDTH, new_figure
from mixednoise.evaluation.plots.text import count, fit, text_width
from mixednoise.evaluation.ranking import divide

_BLUES = LinearSegmentedColormap.from_list("blues", ["#FFFFFF", "#9CC6E4", BLUE, "#00385A"])
#: From this many classes on, cells hold percentages only.
_CROWDED = 12


@rc_context(STYLE)
def plot_confusion(
    confusion: ArrayLike,
    class_names: Sequence[str],
    *,
    title: str = "Confusion matrix",
    rows: str = "true class",
    columns: str = "predicted class",
) -> Figure:
    """Counts, and below each count its share of the row; colour follows the share.

    Args:
        confusion: counts (C, C), row = truth, column = prediction.
        class_names: C names; long ones are broken or shortened.
        title: first line of the figure.
        rows: what the rows are.
        columns: what the columns are.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    classes = len(class_names)
    share = divide(counts, counts.sum(axis=1, keepdims=True))
    crowded = classes >= _CROWDED
    right, total = int(np.trace(counts)), int(counts.sum())
    accuracy = f"{100 * right / total:.1f} %" if total else "none"
    names_width = min(
        max((text_width(name, SMALL) for name in class_names), default=0.0), 1.45 * 72
    )
    # The cells share what the row names leave of the width, but are no taller than they need be.
    cell = (WIDTH - names_width / 72 - 0.75) / max(1, classes)
    tall = float(np.clip(cell, 0.18, 0.72))
    figure = new_figure(
        tall * classes + 1.0,
        title,
        f"{count(right)} of {count(total)} on the diagonal ({accuracy}). "
        + ("Numbers are percentages" if crowded else "Percentages are shares")
        + " of the row.",
    )
    axes = figure.subplots()
    axes.imshow(np.nan_to_num(share), cmap=_BLUES, vmin=0, vmax=1, aspect="auto")
    size = float(np.clip(cell * 72 / (2.6 if crowded else 5.2), 4.5, BODY + (0 if crowded else 1)))
    for i, j in np.ndindex(classes, classes):
        if counts[i, j] == 0 and i != j:
            continue
        percent = "" if np.isnan(share[i, j]) else f"{100 * share[i, j]:.0f} %"
        colour = "white" if share[i, j] > 0.6 else INK
        if crowded:
            axes.text(j, i, percent[:-2], ha="center", va="center", size=size, color=colour)
            continue
        axes.text(j, i - 0.12, count(int(counts[i, j])), ha="center", va="center", size=size,
                  color=colour, weight="bold" if i == j else "normal")  # fmt: skip
        axes.text(j, i + 0.24, percent, ha="center", va="center", size=0.78 * size, color=colour)
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    support = counts.sum(axis=1)
    axes.set_yticklabels(
        [
            "\n".join(
                [*fit(name, 1.45 * 72, SMALL, lines=2 if tall > 0.5 else 1)]
                + ([f"n = {count(int(n))}"] if tall > 0.35 else [])
            )
            for name, n in zip(class_names, support, strict=True)
        ]
    )
    _column_names(figure, class_names, cell * 72)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(classes + 1) - 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.set_xlabel(columns, color=GREY)
    axes.set_ylabel(rows, color=GREY)
    return figure


def _column_names(figure: Figure, class_names: Sequence[str], cell: float) -> None:
    """Upright below the columns where they fit, else at an angle."""
    axes = figure.axes[0]
    room = cell - 4
    wrapped = [fit(name, room, SMALL, lines=3) for name in class_names]
    whole = all(
        "".join(lines).replace(" ", "") == fit(name, 1e6, SMALL)[0].replace(" ", "")
        and not any(_split_word(line, name) for line in lines)
        for lines, name in zip(wrapped, class_names, strict=True)
    )
    if whole:
        axes.set_xticklabels(["\n".join(lines) for lines in wrapped])
    else:
        axes.set_xticklabels(
            [fit(name, 1.45 * 72, SMALL)[0] for name in class_names],
            rotation=40,
            ha="right",
            rotation_mode="anchor",
        )


def _split_word(line: str, name: str) -> bool:
    """Whether a line ends in the middle of a word of the name."""
    words = fit(name, 1e6, SMALL)[0].split(" ")
    return any(part not in words for part in line.split(" "))
