"""Connected components of error maps."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from mixednoise.segmentation.labels import ErrorMap


def component_sizes(flagged: ErrorMap) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Connected components; pixels that touch at a corner are connected.

    Args:
        flagged: (H, W) or (D, H, W) bool.

    Returns:
        int array like ``flagged``: 0 = not flagged, else 1..n; (n,) pixels of each component.
    """
    if not flagged.any():
        return np.zeros(flagged.shape, np.int32), np.zeros(0, np.int64)
    if flagged.ndim == 2:
        labels = cv2.connectedComponents(flagged.view(np.uint8), connectivity=8)[1]
    else:
        labels = ndimage.label(flagged, structure=np.ones((3,) * flagged.ndim))[0]
    return np.asarray(labels), np.bincount(labels.ravel())[1:]


def drop_small(flagged: ErrorMap, min_region: int) -> tuple[ErrorMap, int, int]:
    """Un-flag small components.

    Args:
        flagged: (H, W) or (D, H, W) bool; not changed.
        min_region: pixels that a component needs in order to stay; 0 = all stay.

    Returns:
        (the map, components left, pixels of the largest).
    """
    labels, sizes = component_sizes(np.ascontiguousarray(flagged))
    stays = sizes >= min_region
    if not stays.all():
        flagged = np.concatenate([[False], stays])[labels]
        sizes = sizes[stays]
    return flagged, len(sizes), int(sizes.max(initial=0))
