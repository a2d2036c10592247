"""The distribution of a score as bars."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.errors import DataError

#: Bars of the distribution.
BARS = 20


def histogram(quality: NDArray[np.float64]) -> dict[str, Any] | None:
    """Distribution of the scores: bars from the lowest to the highest score, rounded to 0.05.

    Args:
        quality: (N,) in [0, 1]; NaN = not known.

    Returns:
        ``bars``: ``(height in percent, count, low, high)``; ``low, high``: the ends of the axis;
        ``most``: the highest count. None where there is no score.

    Raises:
        DataError: a score outside [0, 1].
    """
    known = quality[~np.isnan(quality)]
    if not len(known):
        return None
    if known.min() < 0 or known.max() > 1:
        raise DataError(
            "a quality is no share",
            expected="numbers from 0 to 1",
            found=f"{known.min():.4g} to {known.max():.4g}",
            fix="pass the table as it was written",
        )
    low, high = np.floor(known.min() * 20) / 20, np.ceil(known.max() * 20) / 20
    if high <= low:
        low, high = max(0.0, low - 0.05), min(1.0, high + 0.05)
    counts, edges = np.histogram(known, bins=BARS, range=(low, high))
    most = int(counts.max())
    bars = [
        (100 * int(n) / most, int(n), float(a), float(b))
        for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    return {"bars": bars, "low": float(low), "high": float(high), "most": most}


def median(values: NDArray[np.float64]) -> float:
    """Median of what is known; NaN where nothing is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
