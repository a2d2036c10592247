"""Closed discs and balls, and exact dilation and erosion with them.

The structuring element of radius r holds every offset of Euclidean length <= r: in 2-D the disc
``dy^2 + dx^2 <= r^2`` (section 3 of the method), in 3-D the ball. A pixel lies in the dilation
exactly when its Euclidean distance to the region is <= r, so that one distance transform replaces a
kernel whose cost grows with its area; the result is the same pixel by pixel.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

Region = np.ndarray[Any, np.dtype[np.bool_]]
Box = tuple[slice, ...]


@lru_cache(maxsize=256)
def disc(radius: int, ndim: int = 2) -> Region:
    """The closed disc (``ndim=2``) or ball (``ndim=3``).

    Args:
        radius: in pixels, >= 0; 0 is the centre alone, 1 the plus of 5 pixels (in 3-D of 7 voxels).
        ndim: number of dimensions.

    Returns:
        bool, ``2 * radius + 1`` along each axis; read-only, since it is shared.
    """
    axes = np.ogrid[(slice(-radius, radius + 1),) * ndim]
    inside = np.asarray(sum(axis**2 for axis in axes) <= radius**2)
    inside.flags.writeable = False
    return inside


def dilate(region: Region, radius: int, *, volume: bool = False) -> Region:
    """Every pixel within ``radius`` of the region.

    Args:
        region: bool (H, W) or (D, H, W); not changed.
        radius: in pixels, >= 0.
        volume: (D, H, W) only: with the ball; otherwise with the disc in each slice.

    Returns:
        A new bool array of the same shape, a superset of ``region``.
    """
    grown = np.zeros_like(region)
    for place, part in _parts(region, volume):
        box = bounding_box(part, margin=radius)
        if box is not None:
            grown[place][box] = _within(~part[box], radius)
    return grown


def erode(region: Region, radius: int, *, volume: bool = False) -> Region:
    """Every pixel that is farther than ``radius`` from each pixel outside the region.

    The image's border does not count as outside: nobody knows what lies behind it, and a structure
    that the field of view cuts off keeps its cut side.

    Arguments as for :func:`dilate`; the result is a subset of ``region``.
    """
    shrunk = np.zeros_like(region)
    for place, part in _parts(region, volume):
        # One pixel around the region is enough: whatever lies outside is nearest there.
        box = bounding_box(part, margin=1)
        if box is not None:
            shrunk[place][box] = part[box] & ~_within(part[box], radius)
    return shrunk


def bounding_box(region: Region, margin: int = 0) -> Box | None:
    """The smallest box around all True pixels, grown by ``margin``; None where there is none."""
    box: list[slice] = []
    for axis in range(region.ndim):
        others = tuple(other for other in range(region.ndim) if other != axis)
        lines = np.flatnonzero(region.any(axis=others))
        if not len(lines):
            return None
        box.append(slice(max(0, int(lines[0]) - margin), int(lines[-1]) + 1 + margin))
    return tuple(box)


def _parts(region: Region, volume: bool) -> list[tuple[Any, Region]]:
    """The whole, or the slices one by one, with their places in the whole."""
    if volume or region.ndim == 2:
        return [(Ellipsis, region)]
    return list(enumerate(region))


def _within(outside: Region, radius: int) -> Region:
    """Which pixels are within ``radius`` of a False one.

    Squared distances are whole numbers: half a unit above ``radius^2`` no rounding can reach.
    """
    if outside.all():
        return np.zeros_like(outside)
    limit = float(np.sqrt(radius**2 + 0.5))
    if outside.ndim == 2:
        distance = cv2.distanceTransform(
            outside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
    else:
        distance = ndimage.distance_transform_edt(outside)
    return np.asarray(distance < limit)
