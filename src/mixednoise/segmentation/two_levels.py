"""Masks of two classes that mark the structure by 255, as drawing programs leave them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.segmentation.labels import IGNORE

Array = np.ndarray[Any, Any]


def structure_value(mask: Array) -> int | None:
    """The value that marks the structure: 1, or 255 where there is nothing but 0 and 255.

    Returns:
        None where neither does: an empty mask, or values that two classes don't have.
    """
    top = int(mask.max(initial=0))
    if top == 1 or (top == IGNORE and np.isin(mask, (0, IGNORE)).all()):
        return top
    return None
