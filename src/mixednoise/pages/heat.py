"""Tables of what is taken for what, coloured by how often."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Opacity of the darkest cell: the number in it must stay readable on light and dark pages.
DARKEST = 0.55
#: Classes in a table at most: those with the most confusions.
MOST_CLASSES = 12


def confusions(matrix: NDArray[Any]) -> Floats:
    """The matrix without its diagonal, (K, K)."""
    wrong = matrix.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    return wrong


def busiest(wrong: Floats, most: int = MOST_CLASSES) -> list[int]:
    """The classes that take part in most confusions, in class order.

    Args:
        wrong: (K, K) from :func:`confusions`.
        most: so many at most.
    """
    weight = wrong.sum(axis=0) + wrong.sum(axis=1)
    return [int(k) for k in np.sort(np.argsort(-weight, kind="stable")[:most])]


def opacities(wrong: Floats) -> Floats:
    """How strongly each cell is coloured, (K, K), 0 to :data:`DARKEST`."""
    return DARKEST * wrong / (float(wrong.max(initial=0)) or 1.0)


def most_frequent(wrong: Floats, most: int) -> list[tuple[int, int, float]]:
    """``(row, column, value)`` of the highest cells above zero, the highest first."""
    order = np.argsort(-wrong.ravel(), kind="stable")[:most]
    size = len(wrong)
    cells = [(int(at) // size, int(at) % size, float(wrong.ravel()[at])) for at in order]
    return [(row, column, value) for row, column, value in cells if value > 0]
