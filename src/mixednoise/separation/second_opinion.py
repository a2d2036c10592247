"""Two judges of the same labels, made one."""

from __future__ import annotations

import numpy as np

from mixednoise.errors import DataError
from mixednoise.separation.mixture import Array
from mixednoise.separation.temperature import by_odds, odds_of_right


def with_second_opinion(first: Array, second: Array) -> Array:
    """Judge labels by both of two verdicts, and what can be read by the first alone.

    The odds of a right label, P(correct) / P(mis_h), become the geometric mean of both: who is
    surer counts more, and a judge that can't tell (even odds) leaves the other's order as it is.

    Args:
        first: float64 (N, 3): P(correct), P(mis_h), P(mis_l), rows sum to 1.
        second: likewise, of the same samples.

    Returns:
        float64 (N, 3), rows sum to 1; P(mis_l) is that of ``first``.

    Raises:
        DataError: the verdicts have different shapes.
    """
    if first.shape != second.shape:
        raise DataError(
            "the two verdicts are about different samples",
            expected=f"shape {first.shape}",
            found=f"shape {second.shape}",
            fix="pass verdicts over one training set, in one order",
        )
    return by_odds(np.sqrt(odds_of_right(first) * odds_of_right(second)), first[:, 2])
