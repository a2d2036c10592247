"""From 16-bit, signed or floating-point grey levels to 8 bits, without whole-image float copies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mixednoise.data.unreadable import UnreadableImageError

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Values = np.ndarray[Any, Any]

#: The levels that become 0 and 255, as percentiles: a few hot or dead pixels don't decide.
PERCENTILES = (0.5, 99.5)
#: Percentiles of larger images are taken on a regular grid of at most this many pixels.
MOST_SAMPLES = 1 << 20
_BLOCK_VALUES = 1 << 20


def scale_to_uint8(values: Values, *, excluded: float | None = None) -> Pixels:
    """Scale grey levels robustly to 0-255.

    The rule: ``round(255 * (v - low) / (high - low))``, clipped, where ``low`` and ``high`` are the
    0.5th and 99.5th percentile (numpy's linear interpolation) over all pixels and channels
    together, so that colours keep their hue. Where the two percentiles are equal, the minimum and
    maximum take their place. A constant image of unsigned integers keeps its share of the type's
    range (32768 of 16 bits becomes 128); any other constant image becomes 0.

    Args:
        values: (H, W) or (H, W, 3), any integer or floating type.
        excluded: a value that stands for "no pixel here"; it is left out of the percentiles.

    Returns:
        uint8 of the same shape. Values that are not finite become 0.

    Raises:
        UnreadableImageError: no value is finite.
    """
    low, high = robust_range(values, excluded=excluded)
    if high > low:
        return map_to_uint8(values, lambda block: (block - low) * (255.0 / (high - low)))
    top = float(np.iinfo(values.dtype).max) if values.dtype.kind == "u" else np.inf
    return np.full(values.shape, np.rint(255.0 * low / top) if top < np.inf else 0, np.uint8)


def robust_range(values: Values, *, excluded: float | None = None) -> tuple[float, float]:
    """The two levels between which :func:`scale_to_uint8` stretches."""
    height, width = values.shape[:2]
    step = int(np.ceil(np.sqrt(max(1.0, height * width / MOST_SAMPLES))))
    sample = values[::step, ::step].ravel()
    if excluded is not None and bool((kept := sample != excluded).any()):
        sample = sample[kept]
    if sample.dtype.kind == "f":
        sample = sample[np.isfinite(sample)].astype(np.float64)
    if sample.size == 0:
        raise UnreadableImageError("no pixel has a finite value")
    low, high = (float(level) for level in np.percentile(sample, PERCENTILES))
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    return low, high


def map_to_uint8(values: Values, function: Callable[[Values], Values]) -> Pixels:
    """Apply ``function`` (float64 block -> 0..255) block by block; round, clip, NaN becomes 0."""
    result = np.empty(values.shape, np.uint8)
    rows = max(1, _BLOCK_VALUES // max(1, int(np.prod(values.shape[1:]))))
    for start in range(0, values.shape[0], rows):
        block = function(values[start : start + rows].astype(np.float64))
        block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        result[start : start + rows] = np.clip(np.rint(block), 0, 255)
    return result
