"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: What stands for a number that isn't there.
NOTHING = "–"


def defined(value: Any) -> bool:
    """Whether a value is a number: no None (JSON's NaN), NaN or infinity."""
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


def whole(value: Any) -> str:
    """``12,345``."""
    return f"{int(value):,}" if defined(value) else NOTHING


def share(value: Any) -> str:
    """A share in [0, 1] as ``3.2%``; what is above zero never becomes ``0%``."""
    if not defined(value):
        return NOTHING
    percent = 100 * float(value)
    if 0 < percent < 0.01:
        return "<0.01%"
    if 99.99 < percent < 100:
        return ">99.99%"
    digits = 2 if percent < 1 or 99 < percent < 100 else 1 if percent < 100 else 0
    return f"{percent:.{digits}f}%" if percent else "0%"


def decimal(value: Any, digits: int = 3) -> str:
    """``0.871``."""
    return f"{float(value):.{digits}f}" if defined(value) else NOTHING


def points(value: Any) -> str:
    """A difference of scores in [0, 1] as points of a hundred, with its sign: ``+2.1``."""
    # A real minus, as wide as the plus, so that columns of differences line up.
    return f"{100 * float(value):+.1f}".replace("-", "−") if defined(value) else NOTHING
