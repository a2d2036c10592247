"""Line charts as geometry for SVG: no script is needed to see or print them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mixednoise.evaluation.colours import BLACK, BLUE, GREY, SKY

Floats = NDArray[np.float64]
#: Size of a chart, and of the part that holds the lines: left, top, right, bottom.
WIDTH, HEIGHT = 400, 224
LEFT, TOP, RIGHT, BOTTOM = 42, 8, 384, 188
#: Colours that need another shade on a dark page.
_SHADES = {BLACK: "var(--ink)", GREY: "var(--soft)", BLUE: "var(--blue)", SKY: "var(--sky)"}


@dataclass(frozen=True)
class Curve:
    """One line or area.

    Attributes:
        name: in the legend.
        colour: for CSS.
        dashed: the line.
        path: of SVG.
        filled: an area rather than a line.
        dots: places of single values.
        last: the last value, in words.
    """

    name: str
    colour: str
    dashed: bool
    path: str
    filled: bool = False
    dots: list[tuple[float, float]] = field(default_factory=list)
    last: str = ""


@dataclass(frozen=True)
class Chart:
    """One chart, places in the units of its view box.

    Attributes:
        heading: above it.
        across: what the horizontal axis is.
        curves: in the order of the legend.
        x_ticks: places and words.
        y_ticks: likewise.
        shaded: from, to: the warm-up; None = none.
        marks: horizontal places of dotted lines: the best epoch.
        level: height of a dotted line: chance; None = none.
        description: for those who can't see it.
    """

    heading: str
    across: str
    curves: list[Curve]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    description: str
    shaded: tuple[float, float] | None = None
    marks: list[float] = field(default_factory=list)
    level: float | None = None


@dataclass(frozen=True)
class Scale:
    """From values to places."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Place of a value, rounded to what a screen can show."""
        span = (self.high - self.low) or 1.0
        return round(self.start + (value - self.low) / span * (self.end - self.start), 2)


def share_chart(
    heading: str, across: str, curves: Sequence[tuple[str, str, bool, Floats, Floats]], words: str
) -> Chart:
    """Shares over shares, both from 0 to 1.

    Args:
        heading: above it.
        across: what the horizontal axis is.
        curves: name, colour, whether dashed, x and y of each.
        words: for those who can't see it.
    """
    x, y = Scale(0, 1, LEFT, RIGHT), Scale(0, 1, BOTTOM, TOP)
    drawn = [
        Curve(
            name,
            css_colour(colour),
            dashed,
            path_of([(x(float(a)), y(float(b))) for a, b in zip(right, up, strict=True)]),
        )
        for name, colour, dashed, right, up in curves
    ]
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    percent = [f"{100 * tick:.0f}%" for tick in ticks]
    return Chart(
        heading,
        across,
        drawn,
        [(x(tick), text) for tick, text in zip(ticks, percent, strict=True)],
        [(y(tick), text) for tick, text in zip(ticks, percent, strict=True)],
        words,
    )


def path_of(places: Sequence[tuple[float, float]]) -> str:
    """A line through places."""
    return "M" + "L".join(f"{x} {y}" for x, y in places) if places else ""


def css_colour(colour: str) -> str:
    """The colour, or the variable that holds its shade for the page as it is shown."""
    return _SHADES.get(colour, colour)


def nice_ticks(low: float, high: float, most: int, *, whole_numbers: bool = False) -> list[float]:
    """Round numbers within [low, high]: steps of 1, 2 or 5 times a power of ten.

    Args:
        low: of the axis.
        high: of the axis.
        most: ticks at most, 2 or more.
        whole_numbers: no step below 1.
    """
    if high <= low:
        return [low]
    rough = (high - low) / (most - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= rough * (1 - 1e-9))
    if whole_numbers:
        step = max(1.0, round(step))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]
