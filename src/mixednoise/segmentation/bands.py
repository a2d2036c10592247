"""The band around the boundaries of the given mask, where probabilities are lower than inside."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from mixednoise.segmentation.labels import IGNORE, ErrorMap, Mask


def boundary_band(mask: Mask, width: float) -> ErrorMap:
    """Pixels near a boundary between two classes.

    Args:
        mask: (H, W) or (D, H, W) uint8 classes. Pixels of ``IGNORE`` are in no band and make none.
        width: pixels; the band holds every pixel with one of another class at a Euclidean distance
            of at most this (1: the pixels that touch the boundary, on both sides).

    Returns:
        bool, as ``mask``.
    """
    band = np.zeros(mask.shape, bool)
    classes = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE + 1))
    present = classes[classes != IGNORE]
    if len(present) < 2:
        return band
    for k in present:
        mine = mask == k
        # Pixels that nobody has labelled are no other class.
        distance = _distance_to_zero(mine | (mask == IGNORE))
        band |= mine & (distance <= width)
    return band


def _distance_to_zero(array: ErrorMap) -> np.ndarray[Any, Any]:
    """Euclidean distance of every pixel to the nearest one that is False."""
    if array.ndim == 2:
        return np.asarray(
            cv2.distanceTransform(array.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        )
    return np.asarray(ndimage.distance_transform_edt(array))
