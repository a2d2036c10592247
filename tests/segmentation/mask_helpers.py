"""Random masks and probabilities, and a slow search by the definitions."""

from __future__ import annotations

import numpy as np


def random_set(rng, *, images=6, classes=3, shape=(12, 9), absent=None, dtype=np.float64):
    """Masks (N, *shape) and probabilities (N, K, *shape) that agree more often than not."""
    masks = rng.integers(0, classes, (images, *shape)).astype(np.uint8)
    if absent is not None:
        masks[masks == absent] = (absent + 1) % classes
    logits = rng.normal(0, 1.2, (images, classes, *shape))
    hits = np.moveaxis(np.eye(classes)[masks], -1, 1) * rng.uniform(0, 3, (images, 1, *shape))
    weights = np.exp(logits + hits)
    return masks, (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)


def flatten(masks, probabilities):
    """Labels (n,) and probabilities (n, K), as classification tools take them."""
    classes = probabilities.shape[1]
    return masks.ravel().astype(int), np.moveaxis(probabilities, 1, -1).reshape(-1, classes)


def slow_guess(p, thresholds):
    """Equation 2 for one pixel; None where no class is confident."""
    confident = [k for k in range(len(p)) if p[k] >= thresholds[k] - 1e-6]
    if not confident:
        return None
    return confident[0] if len(confident) == 1 else int(np.argmax(p))
