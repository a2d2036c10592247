"""How sure a verdict is that people read."""

from __future__ import annotations

import numpy as np

from mixednoise.separation.mixture import Array

#: Nobody is surer than this that a label is right, or wrong.
SUREST = 1e-6


def tempered(p: Array, temperature: float) -> Array:
    """A verdict that is less sure of labels: temperature scaling (Guo et al., ICML 2017).

    The odds of a right label, P(correct) / P(mis_h), are raised to 1 / temperature. What can be
    read stays as it is, and so does which of the two is more probable, and the order of the labels
    of equally readable images.

    Args:
        p: float64 (N, 3): P(correct), P(mis_h), P(mis_l), rows sum to 1; rows of NaN stay.
        temperature: 1 = as it is, more = less sure; above 0.

    Returns:
        float64 (N, 3), rows sum to 1.
    """
    if temperature == 1:
        return p
    return by_odds(odds_of_right(p) ** (1 / temperature), p[:, 2])


def odds_of_right(p: Array) -> Array:
    """P(correct) / P(mis_h) of verdicts (N, 3), between one millionth and a million; (N,)."""
    correct, mis_h = p[:, 0], p[:, 1]
    readable = correct + mis_h
    right = np.divide(correct, readable, out=np.full_like(correct, 0.5), where=readable != 0)
    odds: Array = (right + SUREST) / (1 - right + SUREST)
    return odds


def by_odds(odds: Array, mis_l: Array) -> Array:
    """The verdict (N, 3) with these odds of a right label (N,) and P(mis_l) (N,)."""
    readable = 1 - mis_l
    return np.stack([readable * (odds / (1 + odds)), readable * (1 / (1 + odds)), mis_l], axis=1)
