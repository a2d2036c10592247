"""The band around the boundaries of the given mask, where probabilities are lower than inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.labels import IGNORE, ErrorMap, Mask
from mixednoise.segmentation.sources import ProbabilitySource

#: Share of the pixels of the structures that :func:`typical_band` takes in.
TYPICAL_SHARE = 0.75
#: Masks that are enough for it.
BAND_MASKS = 500
#: Pixels up to which a band is drawn by a disc: its cost grows with the width squared.
WIDEST_DISC = 10
#: Steps of a pixel in which distances are counted.
_STEPS = 10


def typical_band(masks: Iterable[tuple[Mask, float]]) -> float | None:
    """The width that fits the structures: three quarters of their pixels lie within it.

    What is large for a clavicle is little for a lung. The pixels that are left, deep inside, and
    the background far away are those that teachers are sure of.

    Args:
        masks: uint8 classes (H, W) or (D, H, W), 0 = background, and the factor by which a
            distance in it is multiplied.

    Returns:
        Pixels (times the factor), at least 1; None where no mask has a structure with a boundary.
    """
    counts = np.zeros(1, np.int64)
    for mask, factor in masks:
        classes = np.flatnonzero(np.bincount(mask.ravel(), minlength=IGNORE + 1))
        present = classes[classes != IGNORE]
        if len(present) < 2:
            continue
        for k in present[present > 0]:
            mine = mask == k
            distance = _distance_to_zero(mine | (mask == IGNORE))[mine]
            steps = np.bincount(np.round(distance * factor * _STEPS).astype(np.int64))
            longer, shorter = (steps, counts) if len(steps) > len(counts) else (counts, steps)
            longer[: len(shorter)] += shorter
            counts = longer
    if not counts.any():
        return None
    width = np.searchsorted(counts.cumsum(), TYPICAL_SHARE * counts.sum()) / _STEPS
    return float(max(width, 1.0))


def band_rows(count: int) -> range:
    """Which of so many masks :func:`typical_band` looks at: evenly spaced, as many as it needs."""
    return range(0, count, max(1, -(-count // BAND_MASKS)))


def band_of_source(source: ProbabilitySource) -> float | None:
    """:func:`typical_band` of the masks of a source; those that can't be read are passed over."""

    def masks() -> Iterator[tuple[Mask, float]]:
        for index in band_rows(len(source)):
            try:
                yield source.read(index)[0], 1.0
            except UnreadableCaseError:
                continue  # whoever goes through the source lists it

    return typical_band(masks())


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
        band |= mine & _near_zero(mine | (mask == IGNORE), width)
    return band


def _near_zero(array: ErrorMap, width: float) -> ErrorMap:
    """Pixels at a Euclidean distance of at most ``width`` from one that is False."""
    if array.ndim == 2 and width <= WIDEST_DISC:
        # Several times faster than distances, and the same.
        reach = np.arange(-int(width), int(width) + 1)
        disc = reach**2 + reach[:, None] ** 2 <= width**2
        return np.asarray(cv2.erode(array.view(np.uint8), disc.view(np.uint8)) == 0)
    return np.asarray(_distance_to_zero(array) <= width)


def _distance_to_zero(array: ErrorMap) -> np.ndarray[Any, Any]:
    """Euclidean distance of every pixel to the nearest one that is False."""
    if array.ndim == 2:
        return np.asarray(
            cv2.distanceTransform(array.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        )
    return np.asarray(ndimage.distance_transform_edt(array))
