"""Connected components of error maps."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy import ndimage

from mixednoise.segmentation.labels import ErrorMap

Integers = np.ndarray[Any, np.dtype[np.integer[Any]]]


class Regions(NamedTuple):
    """An error map and its connected components.

    Attributes:
        flagged: (H, W) or (D, H, W) bool, without the small components.
        labels: int of the same shape: 0 = in no component, else the number of the component; small
            ones keep theirs. The order of the numbers means nothing.
        sizes: (n,) pixels of each component that is left.
    """

    flagged: ErrorMap
    labels: Integers
    sizes: Integers

    @property
    def largest(self) -> int:
        """Pixels of the largest component; 0 where there is none."""
        return int(self.sizes.max(initial=0))


def component_sizes(flagged: ErrorMap) -> tuple[Integers, Integers]:
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


def drop_small(flagged: ErrorMap, min_region: int) -> Regions:
    """Find the components, and un-flag small ones.

    Args:
        flagged: (H, W) or (D, H, W) bool; not changed.
        min_region: pixels that a component needs in order to stay; 0 = all stay.
    """
    labels, sizes = component_sizes(np.ascontiguousarray(flagged))
    stays = sizes >= min_region
    if not stays.all():
        flagged = np.concatenate([[False], stays])[labels]
        sizes = sizes[stays]
    return Regions(flagged, labels, sizes)
