"""One number per mask: how far its labels can be trusted."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Low values look at the worst pixels, high ones at the mean of all.
SOFTMIN_TEMPERATURE = 0.1


def label_quality(
    self_confidence: np.ndarray[Any, Any], temperature: float = SOFTMIN_TEMPERATURE
) -> float:
    """Softmin of the probabilities of the given classes, as cleanlab's segmentation ranking has it.

    Args:
        self_confidence: probability of the given class per pixel, any shape, in [0, 1].
        temperature: above 0.

    Returns:
        A weighted mean in [0, 1], weights exp(-self-confidence / temperature): low = look at this
        mask first. 1 where there is no pixel.
    """
    if not self_confidence.size:
        return 1.0
    weights = np.subtract(self_confidence.min(), self_confidence)
    weights /= weights.dtype.type(temperature)
    np.exp(weights, out=weights)
    total = weights.sum(dtype=np.float64)
    weights *= self_confidence
    return float(min(weights.sum(dtype=np.float64) / total, 1.0))
