"""How the training went, as charts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from mixednoise.audit.report.charts import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Curve,
    Floats,
    Scale,
    css_colour,
    nice_ticks,
    path_of,
)
from mixednoise.evaluation.history_panels import (
    PANELS,
    Line,
    Panel,
    epochs_of,
    known_lines,
    warmup_epochs,
)
from mixednoise.pages.numbers import decimal, whole

#: Above this number of epochs, dots would run into each other.
_MOST_DOTS = 40


def history_charts(history: pd.DataFrame, best_epoch: int | None) -> list[Chart]:
    """Loss, validation, groups and separation; what the history doesn't hold is left out.

    Args:
        history: ``history.csv``, a row per epoch.
        best_epoch: marked; None = none.
    """
    if not len(history):
        return []
    epochs = epochs_of(history)
    found = [(panel, known_lines(history, panel)) for panel in PANELS]
    return [
        _history_chart(panel, lines, history, epochs, best_epoch) for panel, lines in found if lines
    ]


def _history_chart(
    panel: Panel,
    lines: list[tuple[Line, Floats]],
    history: pd.DataFrame,
    epochs: Floats,
    best_epoch: int | None,
) -> Chart:
    x = Scale(float(epochs.min()) - 0.5, float(epochs.max()) + 0.5, LEFT, RIGHT)
    everything = np.concatenate([values for _, values in lines])
    if panel.stacked:
        layers = np.nan_to_num(np.stack([values for _, values in lines]))
        y = Scale(0, float(layers.sum(axis=0).max()), BOTTOM, TOP)
        curves = _areas(lines, layers, epochs, x, y)
    else:
        low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
        if panel.chance:
            low, high = min(low, 0.5), max(high, 0.5)
        pad = 0.06 * (high - low) or 0.05
        y = Scale(low - pad, high + pad, BOTTOM, TOP)
        curves = [_curve(line, epochs, values, x, y) for line, values in lines]
    warm = warmup_epochs(history, epochs)
    return Chart(
        panel.heading,
        "epoch",
        curves,
        [
            (x(tick), whole(tick))
            for tick in nice_ticks(x.low + 0.5, x.high - 0.5, 6, whole_numbers=True)
        ],
        _y_ticks(y, stacked=panel.stacked),
        f"{panel.heading} over {len(epochs)} epochs; last values: "
        + ", ".join(f"{curve.name} {curve.last}" for curve in curves),
        shaded=(x(float(warm[0]) - 0.5), x(float(warm[-1]) + 0.5)) if len(warm) else None,
        marks=[x(float(best_epoch))] if best_epoch else [],
        level=y(0.5) if panel.chance else None,
    )


def _curve(line: Line, epochs: Floats, values: Floats, x: Scale, y: Scale) -> Curve:
    known = np.flatnonzero(~np.isnan(values))
    places = [(x(float(epochs[k])), y(float(values[k]))) for k in known]
    dots = places if len(known) <= _MOST_DOTS else []
    last = decimal(values[known[-1]])
    return Curve(
        line.name, css_colour(line.colour), line.dashed, path_of(places), False, dots, last
    )


def _areas(
    lines: list[tuple[Line, Floats]], layers: Floats, epochs: Floats, x: Scale, y: Scale
) -> list[Curve]:
    """A step per epoch: sizes are counts of one epoch, not a flow between two."""
    known = np.flatnonzero(layers.sum(axis=0) > 0)
    below = np.zeros(len(known))
    curves = []
    for (line, values), layer in zip(lines, layers[:, known], strict=True):
        above = below + layer
        path = " ".join(
            f"M{x(epochs[k] - 0.5)} {y(low)}V{y(high)}H{x(epochs[k] + 0.5)}V{y(low)}Z"
            for k, low, high in zip(known, below, above, strict=True)
        )
        last = whole(values[~np.isnan(values)][-1])
        curves.append(Curve(line.name, css_colour(line.colour), False, path, True, [], last))
        below = above
    return curves


def _y_ticks(y: Scale, *, stacked: bool) -> list[tuple[float, str]]:
    ticks = nice_ticks(y.low, y.high, 5, whole_numbers=stacked)
    if stacked:
        return [(y(tick), whole(tick)) for tick in ticks]
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 0.1
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(y(tick), decimal(tick, digits)) for tick in ticks]
