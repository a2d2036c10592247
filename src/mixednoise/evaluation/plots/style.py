"""One look for all figures: size, header, settings, and whole files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mixednoise.evaluation.colours import FAINT, GREY, INK
from mixednoise.evaluation.plots.text import FONTS, any_script, fit, text_width
from mixednoise.io import atomic_write

#: Width in inches and dots per inch: 1200 pixels, with no text below 14 pixels.
WIDTH, DPI = 8.0, 150
TITLE, BODY, SMALL = 12.0, 9.0, 7.5  # font sizes in points
MARGIN = 0.15  # inches

#: Settings under which figures are built and drawn, whatever the user's own matplotlibrc says.
STYLE: Any = {
    "font.family": FONTS,
    "font.size": BODY,
    "text.usetex": False,
    "text.color": INK,
    "axes.labelsize": BODY,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9A9A9A",
    "axes.linewidth": 0.8,
    "axes.titlesize": BODY,
    "axes.titlelocation": "left",
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": "#9A9A9A",
    "ytick.color": "#9A9A9A",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.6,
    "savefig.dpi": "figure",
    "savefig.bbox": None,
}


def new_figure(
    height: float,
    title: str,
    subtitle: str = "",
    legend: Sequence[tuple[str, str]] = (),
    *,
    arranged: bool = True,
) -> Figure:
    """A figure 1200 pixels wide with a header; the body below is ``height`` inches high.

    Args:
        height: height of the part below the header, inches.
        title: bold first line; shortened when too long.
        subtitle: grey lines below it, wrapped to three at most.
        legend: (colour, name) of each swatch, in one row (or more) below.
        arranged: let matplotlib's constrained layout place the axes in the body.
    """
    room = (WIDTH - 2 * MARGIN) * 72
    lines: list[tuple[str, float, str, str]] = [(fit(title, room, TITLE)[0], TITLE, INK, "bold")]
    if subtitle:
        lines += [(line, BODY, GREY, "normal") for line in fit(subtitle, room, BODY, lines=3)]
    rows = _legend_rows(legend, room)
    header = MARGIN + (sum(1.5 * size for _, size, _, _ in lines) + 16 * len(rows)) / 72 + 0.08
    total = header + height
    figure = Figure(figsize=(WIDTH, total), dpi=DPI)
    FigureCanvasAgg(figure)
    down = MARGIN
    for text, size, colour, weight in lines:
        down += 1.5 * size / 72
        y = 1 - (down - 0.4 * size / 72) / total
        figure.text(MARGIN / WIDTH, y, text, size=size, color=colour, weight=weight)
    for row in rows:
        down += 16 / 72
        for left, colour, text in row:
            x, y = (MARGIN + left / 72) / WIDTH, 1 - (down - 4 / 72) / total
            swatch = Rectangle((x, y), 9 / 72 / WIDTH, 9 / 72 / total, color=colour, lw=0)
            swatch.set_transform(figure.transFigure)
            figure.add_artist(swatch)
            figure.text(x + 13 / 72 / WIDTH, y + 0.5 / 72 / total, text, size=BODY)
    if arranged:
        figure.set_layout_engine(
            "constrained",
            rect=(0, 0, 1, 1 - header / total),
            w_pad=0.08,
            h_pad=0.06,
            wspace=0.0,
            hspace=0.0,
        )
    return figure


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure as PNG; the file is whole or not there.

    Raises:
        TrainingError: the folder can't be written to or the disk is full.
    """
    with atomic_write(path) as temporary, rc_context(STYLE), any_script():
        figure.savefig(temporary, format="png")


def tidy(axes: Axes, grid: str = "both") -> None:
    """Light grid lines, and no frame but the left and lower axis."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=0)
    axes.grid(visible=True, axis=grid)  # type: ignore[arg-type]


def _legend_rows(
    legend: Sequence[tuple[str, str]], room: float
) -> list[list[tuple[float, str, str]]]:
    rows: list[list[tuple[float, str, str]]] = []
    left = room
    for colour, name in legend:
        text = fit(name, room - 13, BODY)[0]
        needed = 13 + text_width(text, BODY) + 18
        if left + needed - 18 > room:
            rows.append([])
            left = 0.0
        rows[-1].append((left, colour, text))
        left += needed
    return rows
