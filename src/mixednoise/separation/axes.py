"""Axes: what loss and entropy are turned into before a mixture is fitted to them.

Min-max scaling (the paper's) lets one outlier squeeze everybody else, and loss and entropy of a
softmax lie on an arch, far from Gaussian. The axes here are log-odds, scaled by quantiles.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Losses below this are told apart no more: a float32 softmax can't hold them.
SMALLEST_LOSS = 1e-6
#: Entropy of a two-way split with probability SMALLEST_LOSS on one side: the least that goes with
#: such a loss. The floor keeps a saturated, right sample (loss 0, entropy 0) on the right side.
SMALLEST_ENTROPY = SMALLEST_LOSS * (1 - np.log(SMALLEST_LOSS))
#: exp of more than this is not needed to know that a label surprises.
LARGEST_LOSS = 50.0


def minmax(values: Array) -> Array:
    """Scale to [0, 1] (the paper's axes); all equal gives 0."""
    low, span = float(values.min()), float(np.ptp(values))
    return (values - low) / (span if span > 0 else 1.0)


def surprise(loss: Array, entropy: Array) -> Array:
    """Log-odds against the given label, relative to what the network itself expects.

    A label drawn from the network's own prediction p has an expected loss that equals the entropy
    of p. The axis is ``log(exp(loss) - 1) - log(exp(entropy) - 1)``: the log-odds against the
    given label minus the log-odds at that expected loss. So 0 means "as expected"; a label that is
    the network's first choice has loss <= entropy, hence a value <= 0, at any confidence; only a
    label that the network had *not* expected is positive. The scale has an origin, and a
    clean training set is therefore not cut in half.

    Args:
        loss: float64 (N,), -log p[given label], >= 0.
        entropy: float64 (N,), of the same softmax, in nats.

    Returns:
        float64 (N,).
    """
    against = np.log(np.expm1(np.clip(loss, SMALLEST_LOSS, LARGEST_LOSS)))
    expected = np.log(np.expm1(np.clip(entropy, SMALLEST_ENTROPY, LARGEST_LOSS)))
    out: Array = against - expected
    return out


def uncertainty(entropy: Array, num_classes: int) -> Array:
    """Minus half the log of what the network knows: of KL(p || uniform) = log C - entropy.

    Entropy piles up against log C, where the unreadable images are; here that end is stretched.
    Higher = less known. Strictly increasing in entropy.

    Args:
        entropy: float64 (N,), in nats, [0, log C].
        num_classes: number of classes C.
    """
    known = np.clip(np.log(num_classes) - entropy, 0.0, None)
    out: Array = -0.5 * np.log(known + 2e-3)
    return out


def spread(values: Array) -> tuple[float, float]:
    """Median, and half the width of the central 68 %: mean and deviation that outliers don't move.

    Where more than half of the values are equal, the plain standard deviation takes over.
    """
    low, median, high = np.quantile(values, [0.15865525, 0.5, 0.84134475])
    width = float(high - low) / 2
    return float(median), width if width > 0 else float(values.std())
