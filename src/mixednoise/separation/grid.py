"""Points seen through second-order features: one by one, or summed over the cells of a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Cells per axis, by the number of dimensions: their sums stay in the second-level cache, and a
#: cell stays far narrower than any component worth finding.
CELLS = {1: 4096, 2: 128}
#: Points per block: 16384 points x 6 features of 8 bytes stay in the cache, and are enough work
#: to hide the cost of a call.
BLOCK = 16384

#: What an E-step needs of a block: features (F, n) to judge by, features (F, n) to add up
#: (already multiplied by the counts), and the counts (n,), None = 1 each.
Block = tuple[Array, Array, Array | None]


class Blocks(Protocol):
    """Anything that EM can run on."""

    def blocks(self) -> Iterator[Block]:
        """Yield the data, a block at a time."""


def num_features(d: int) -> int:
    """Length of the feature row of a d-dimensional point: 1, d, and d (d + 1) / 2 products."""
    return 1 + d + d * (d + 1) // 2


def features(columns: Array, shift: Array) -> Array:
    """Rows ``[1, x_i, x_i x_j (i <= j)]`` of x = columns - shift.

    Args:
        columns: float64 (d, n): one row per coordinate.
        shift: float64 (d,).

    Returns:
        float64 (F, n), F = :func:`num_features` (d).
    """
    d, n = columns.shape
    out = np.empty((num_features(d), n))
    out[0] = 1.0
    np.subtract(columns, shift[:, None], out=out[1 : d + 1])
    row = d + 1
    for i in range(d):
        for j in range(i, d):
            np.multiply(out[i + 1], out[j + 1], out=out[row])
            row += 1
    return out


@dataclass(frozen=True)
class Points:
    """Points as they are.

    Attributes:
        columns: float64 (d, N), contiguous.
        shift: float64 (d,): the origin of the features. Second moments taken far from the points
            would lose digits.
        counts: float64 (N,): how much each point counts; None = 1 each.
    """

    columns: Array
    shift: Array
    counts: Array | None = None

    def blocks(self) -> Iterator[Block]:
        """Yield the features of a block of points at a time."""
        for begin in range(0, self.columns.shape[1], BLOCK):
            values = features(self.columns[:, begin : begin + BLOCK], self.shift)
            if self.counts is None:
                yield values, values, None
            else:
                count = self.counts[begin : begin + BLOCK]
                yield values, values * count, count


@dataclass(frozen=True)
class Cells:
    """Occupied cells of a grid: their points' summed features, float64 (F, M).

    A log-density is linear in the features, so a cell's mean features give the exact mean
    log-density of its points under each component, and its summed features an exact M-step. All
    that is approximated is that the points of a cell share one responsibility.

    Attributes:
        sums: float64 (F, M).
        shift: float64 (d,): the origin of the features.
    """

    sums: Array
    shift: Array

    @property
    def counts(self) -> Array:
        """Summed weight of each cell's points, float64 (M,)."""
        out: Array = self.sums[0]
        return out

    @property
    def means(self) -> Array:
        """Mean of each cell's points, float64 (M, d)."""
        out: Array = (self.sums[1 : 1 + len(self.shift)] / self.sums[0]).T + self.shift
        return out

    def blocks(self) -> Iterator[Block]:
        """Yield a block of cells at a time."""
        for begin in range(0, self.sums.shape[1], BLOCK):
            sums = self.sums[:, begin : begin + BLOCK]
            yield sums / sums[0], sums, sums[0]


def compress(points: Points) -> Cells:
    """Sum the features of 1-D or 2-D points over the cells of a grid that spans them."""
    columns = points.columns
    d = len(columns)
    cells = CELLS[d]
    low = columns.min(axis=1)
    span = columns.max(axis=1) - low
    scale = (cells * (1 - 1e-12)) / np.where(span > 0, span, 1.0)
    sums = np.zeros((num_features(d), cells**d))
    for begin in range(0, columns.shape[1], 4 * BLOCK):
        block = columns[:, begin : begin + 4 * BLOCK]
        cell = np.zeros(block.shape[1], dtype=np.int64)
        for axis in range(d):
            cell *= cells
            cell += ((block[axis] - low[axis]) * scale[axis]).astype(np.int64)
        values = features(block, points.shift)
        if points.counts is not None:
            values *= points.counts[begin : begin + 4 * BLOCK]
        for total, value in zip(sums, values, strict=True):
            total += np.bincount(cell, value, minlength=cells**d)
    return Cells(np.ascontiguousarray(sums[:, sums[0] > 0]), points.shift)
