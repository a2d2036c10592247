"""How a run went, epoch by epoch: losses, validation, group sizes, separation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mixednoise.evaluation.colours import BLACK, GREY
from mixednoise.evaluation.history_panels import (
    PANELS,
    Floats,
    Line,
    Panel,
    epochs_of,
    known_lines,
    warmup_epochs,
)
from mixednoise.evaluation.plots.style import BODY, SMALL, STYLE, new_figure, tidy
from mixednoise.evaluation.plots.text import count, spread

_PANEL_HEIGHT = 1.75  # inches
_ASIDE: dict[str, Any] = {"size": SMALL, "color": GREY}


@rc_context(STYLE)
def plot_history(
    history: pd.DataFrame, *, best_epoch: int | None = None, title: str = "Training"
) -> Figure:
    """One panel per kind of quantity above a common epoch axis; the warm-up is shaded.

    Columns that are missing or hold nothing are left out, and so is a panel without any.

    Args:
        history: one row per epoch: ``epoch`` (default 1, 2, ...), ``phase`` ("warmup" or "main"),
            ``seconds``, and any of ``loss, loss_correct, loss_mis_h, loss_mis_l,
            loss_contrastive, loss_regularizer, val_accuracy, val_balanced_accuracy, val_macro_f1,
            val_macro_auc, val_qwk, size_correct, size_mis_h, size_mis_l, correct_auroc,
            mis_l_auroc``.
        best_epoch: marked by a dotted line, as chosen on the validation split.
        title: first line of the figure.
    """
    epochs = epochs_of(history)
    shown = [(panel, known_lines(history, panel)) for panel in PANELS]
    shown = [(panel, values) for panel, values in shown if values]
    figure = new_figure(
        max(1, len(shown)) * _PANEL_HEIGHT + 0.25, title, _subtitle(history, best_epoch)
    )
    if not shown:
        figure.text(0.5, 0.3, "no epoch has been recorded", ha="center", color=GREY)
        return figure
    grid = figure.subplots(len(shown), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (panel, values) in zip(grid, shown, strict=True):
        _draw(axes, panel, epochs, values)
        _mark(axes, history, epochs, best_epoch)
        _label_ends(axes, panel, values)
    _name_warmup(grid[0], history, epochs)
    low, high = epochs.min(), epochs.max()
    pad = max(0.5, 0.01 * (high - low)) if high > low else 0.5
    grid[-1].set_xlim(low - pad, high + pad)
    grid[-1].set_xlabel("epoch")
    grid[-1].xaxis.set_major_locator(
        MaxNLocator(nbins=12, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1)
    )
    return figure


def _draw(axes: Axes, panel: Panel, epochs: Floats, values: Sequence[tuple[Line, Floats]]) -> None:
    axes.set_title(panel.heading, weight="bold", pad=5)
    tidy(axes, "y")
    if panel.stacked:
        layers = np.nan_to_num(np.stack([layer for _, layer in values]))
        known = np.flatnonzero(layers.sum(axis=0) > 0)
        # A step per epoch: sizes are counts of one epoch, not a flow between two.
        edges = np.append(epochs[known] - 0.5, epochs[known[-1]] + 0.5)
        below = np.zeros(len(known) + 1)
        for (line, _), layer in zip(values, layers[:, known], strict=True):
            top = below + np.append(layer, layer[-1])
            axes.fill_between(edges, below, top, step="post", color=line.colour, linewidth=0)
            below = top
        axes.set_ylim(0, float(below.max()))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: count(int(y))))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        return
    for line, series in values:
        known = np.flatnonzero(~np.isnan(series))
        axes.plot(
            epochs[known],
            series[known],
            color=line.colour,
            linestyle=(0, (4, 1.6)) if line.dashed else "-",
            marker="o",
            markersize=3.2 if len(known) <= 40 else 0,
        )
    everything = np.concatenate([series for _, series in values])
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    if panel.chance:
        low, high = min(low, 0.5), max(high, 0.5)
        axes.axhline(0.5, color=GREY, linewidth=0.9, linestyle=(0, (1, 1.5)))
        at = (1.0, 0.5)
        _note(axes, "chance", at, (-3, 2), ("axes fraction", "data"), ha="right", **_ASIDE)
    if low == high:
        low, high = low - 0.05, high + 0.05
    span = high - low
    axes.set_ylim(low - 0.07 * span, high + 0.1 * span)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))


def _label_ends(axes: Axes, panel: Panel, values: Sequence[tuple[Line, Floats]]) -> None:
    """Names beside the ends of the lines, moved apart; no legend to look up."""
    last = [float(series[~np.isnan(series)][-1]) for _, series in values]
    low, high = axes.get_ylim()
    if panel.stacked:
        tops = np.cumsum(last)
        ends = [float(top - size / 2) for top, size in zip(tops, last, strict=True)]
    else:
        ends = last
    fractions = [(end - low) / (high - low) for end in ends]
    gap = 1.3 * SMALL / ((_PANEL_HEIGHT - 0.5) * 72)
    places = spread(fractions, gap, 0.02, 0.98)
    for place, (line, _), value in zip(places, values, last, strict=True):
        number = count(int(value)) if panel.stacked else f"{value:.2f}"
        at = (1.0, place)
        _note(axes, "■", at, (3, 0.5), color=line.colour, va="center", size=BODY)
        _note(axes, f"{line.name} {number}", at, (13, 0), va="center", size=SMALL)


def _mark(axes: Axes, history: pd.DataFrame, epochs: Floats, best_epoch: int | None) -> None:
    warm = warmup_epochs(history, epochs)
    if len(warm):
        axes.axvspan(warm[0] - 0.5, warm[-1] + 0.5, color="#F3F3F3", linewidth=0, zorder=0)
    if best_epoch is not None:
        axes.axvline(best_epoch, color=BLACK, linewidth=0.9, linestyle=(0, (1, 1.5)))


def _name_warmup(axes: Axes, history: pd.DataFrame, epochs: Floats) -> None:
    warm = warmup_epochs(history, epochs)
    if len(warm):
        at = (float(warm[0]) - 0.5, 1.0)
        _note(axes, "warm-up", at, (3, -3), ("data", "axes fraction"), va="top", **_ASIDE)


def _note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    shift: tuple[float, float],
    coordinates: str | tuple[str, str] = "axes fraction",
    **style: Any,
) -> None:
    """Text at a place of the axes, shifted by points."""
    axes.annotate(text, at, xycoords=coordinates, xytext=shift, textcoords="offset points", **style)


def _subtitle(history: pd.DataFrame, best_epoch: int | None) -> str:
    parts = [f"{count(len(history))} epoch{'s' if len(history) != 1 else ''}"]
    if "seconds" in history and len(history):
        seconds = float(pd.to_numeric(history["seconds"], errors="coerce").sum())
        if seconds > 0:
            parts.append(_duration(seconds))
    text = ", ".join(parts) + "; beside each line its last value."
    if best_epoch is not None:
        text += f" Dotted: epoch {best_epoch}, the best one on the validation split."
    return text


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
