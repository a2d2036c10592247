"""How far each mask agrees with the model that never saw it, as geometry for SVG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixednoise.segmentation.image_errors import DICE, LOSS, WHOLE

Floats = NDArray[np.float64]
#: Size of the plane, and of the part that holds the points: left, top, right, bottom.
WIDTH, HEIGHT = 560, 340
LEFT, TOP, RIGHT, BOTTOM = 56, 10, 550, 292
PLANE = {
    "width": WIDTH,
    "height": HEIGHT,
    "left": LEFT,
    "top": TOP,
    "right": RIGHT,
    "bottom": BOTTOM,
}
#: More points than this are thinned evenly: a denser cloud shows nothing more.
MAX_POINTS = 3000
#: What counts as none on the logarithmic axes.
_LEAST = 1e-3
#: Ticks of every power of ten: few, and where these are too few.
_COARSE, _FINE = (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)
_FEWEST_TICKS = 3


@dataclass(frozen=True)
class Point:
    """One mask.

    Attributes:
        x: place, to the right: less of the mask is where the model expects it.
        y: place, upwards: the model finds the mask less likely.
        wrong: as a whole; None = not told.
        words: name and numbers.
    """

    x: float
    y: float
    wrong: bool | None
    words: str


@dataclass(frozen=True)
class Plane:
    """The plane.

    Attributes:
        points: of the masks, right ones first, so that the others lie on top.
        x_ticks: places and words.
        y_ticks: likewise.
        told: whether right masks and wrong ones were told apart.
        total: masks, of which at most :data:`MAX_POINTS` are shown.
        description: for those who can't see it.
    """

    points: list[Point]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    told: bool
    total: int
    description: str


def mask_plane(images: pd.DataFrame) -> Plane | None:
    """The plane of (1 - Dice, mean loss) of mask against model; None where that is not known.

    Args:
        images: rows of ``images.csv``.
    """
    if not {DICE, LOSS} <= set(images.columns):
        return None
    known = images[images[DICE].notna() & images[LOSS].notna()]
    if known.empty:
        return None
    total = len(known)
    if total > MAX_POINTS:
        known = known.iloc[np.linspace(0, total - 1, MAX_POINTS).astype(int)]
    told = WHOLE in known and bool(known[WHOLE].notna().any())
    p_wrong = known[WHOLE].to_numpy(np.float64) if told else np.full(len(known), np.nan)
    mismatch = np.maximum(1 - known[DICE].to_numpy(np.float64), _LEAST)
    loss = np.maximum(known[LOSS].to_numpy(np.float64), _LEAST)
    x, x_ticks = _places(mismatch, LEFT + 8, RIGHT - 8)
    y, y_ticks = _places(loss, BOTTOM - 8, TOP + 8)
    points = [
        Point(
            x=float(a),
            y=float(b),
            wrong=None if np.isnan(p) else bool(p > 0.5),
            words=f"{name}: Dice {1 - m:.2f}, loss {cost:.3g}"
            + ("" if np.isnan(p) else f", wrong as a whole: {p:.0%}"),
        )
        for name, a, b, p, m, cost in zip(known["name"], x, y, p_wrong, mismatch, loss, strict=True)
    ]
    points.sort(key=lambda point: bool(point.wrong))
    wrong = sum(bool(point.wrong) for point in points)
    description = f"{len(points)} masks by disagreement in shape and by loss" + (
        f"; {wrong} of them are wrong as a whole" if told else ""
    )
    return Plane(points, x_ticks, y_ticks, told, total, description)


def _places(values: Floats, start: float, end: float) -> tuple[Floats, list[tuple[float, str]]]:
    """Places of values on a logarithmic axis, and of its ticks."""
    logs = np.log(values)
    low, high = float(logs.min()), float(logs.max())
    if high - low < 1e-9:
        low, high = low - 1, high + 1

    def place(value: Floats) -> Floats:
        return np.round(start + (np.log(value) - low) / (high - low) * (end - start), 1)

    shown = _ticks(_COARSE, low, high)
    if len(shown) < _FEWEST_TICKS:
        shown = _ticks(_FINE, low, high)
    ticks = list(zip(place(shown).tolist(), [f"{tick:g}" for tick in shown], strict=True))
    return place(values), ticks


def _ticks(steps: tuple[float, ...], low: float, high: float) -> Floats:
    """Round numbers whose logarithms lie between the two."""
    powers = 10.0 ** np.arange(np.floor(low / np.log(10)), np.ceil(high / np.log(10)) + 1)
    every = np.outer(powers, steps).ravel()
    inside = (np.log(every) >= low - 1e-9) & (np.log(every) <= high + 1e-9)
    return np.asarray(every[inside], np.float64)
