"""Smooth random fields and masks, described in shares of the image so that every size looks alike.

Everything is drawn on a coarse grid (at most :data:`CELLS` cells along the shorter side) in
coordinates whose unit is the shorter side, then enlarged: a 28 px and a 4,000 px image get the same
field, at a cost that hardly depends on the size.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

FloatArray = np.ndarray[Any, np.dtype[np.float32]]

#: Cells of the coarse grid along the shorter side.
CELLS = 64
#: Grey values up to this one count as black background outside the field of view.
BLACK = 16


def grid_shape(height: int, width: int, cells: int) -> tuple[int, int]:
    """Rows and columns of a grid with ``cells`` along the shorter side of the image."""
    scale = cells / min(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def coarse_shape(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the coarse grid; never finer than the image."""
    return grid_shape(height, width, min(CELLS, height, width))


def coordinates(height: int, width: int) -> tuple[FloatArray, FloatArray, float, float]:
    """Cell centres y (rows, 1) and x (1, columns), and the image's extent, in shorter sides."""
    rows, columns = coarse_shape(height, width)
    tall, wide = height / min(height, width), width / min(height, width)
    y = ((np.arange(rows, dtype=np.float32) + 0.5) * (tall / rows))[:, None]
    x = ((np.arange(columns, dtype=np.float32) + 0.5) * (wide / columns))[None, :]
    return y, x, tall, wide


def resize(field: np.ndarray[Any, Any], height: int, width: int) -> FloatArray:
    """Bring a field to another size, float32 (height, width) or (height, width, C)."""
    if field.shape[:2] == (height, width):
        return field
    smaller = height < field.shape[0] or width < field.shape[1]
    interpolation = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(
        cv2.resize(field, (width, height), interpolation=interpolation), dtype=np.float32
    )


def blob(
    y: FloatArray, x: FloatArray, centre: tuple[float, float], radius: tuple[float, float] | float
) -> FloatArray:
    """A Gaussian bump of height 1; ``radius`` is its standard deviation, in shorter sides."""
    ry, rx = radius if isinstance(radius, tuple) else (radius, radius)
    squared = ((y - centre[0]) / ry) ** 2 + ((x - centre[1]) / rx) ** 2
    return np.exp(-0.5 * squared).astype(np.float32)


def blur(image: FloatArray, sigma: float) -> FloatArray:
    """Gaussian blur at a cost that does not grow with ``sigma`` (pixels).

    Wide blurs are made on a smaller copy: nothing finer than ``sigma`` survives anyway. Beyond its
    edge the image is continued by its mirror image, which keeps its mean.
    """
    if sigma <= 0:
        return image
    height, width = image.shape[:2]
    factor = max(1.0, sigma / 4.0)
    small = image
    if factor > 1.0:
        size = (max(1, round(width / factor)), max(1, round(height / factor)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    sigmas = (sigma * small.shape[1] / width, sigma * small.shape[0] / height)
    small = cv2.GaussianBlur(
        small, (0, 0), sigmaX=sigmas[0], sigmaY=sigmas[1], borderType=cv2.BORDER_REFLECT
    )
    return resize(np.asarray(small, dtype=np.float32), height, width)


def inside_field_of_view(image: np.ndarray[Any, np.dtype[np.uint8]]) -> FloatArray:
    """1 on the subject, 0 on black background that touches the edge, float32 (H, W, 1).

    Dust and haze sit in the light path: they do not show where no light falls. An image without
    such a background, or one that is black all over, is inside everywhere.
    """
    height, width = image.shape[:2]
    rows, columns = coarse_shape(height, width)
    small = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    dark = np.ones((rows + 2, columns + 2), dtype=np.uint8)  # a dark ring joins all four edges
    dark[1:-1, 1:-1] = small.max(axis=2) <= BLACK
    _, parts = cv2.connectedComponents(dark, connectivity=4)
    inside = (parts[1:-1, 1:-1] != parts[0, 0]).astype(np.float32)
    if inside.mean() < 0.05:
        inside[:] = 1.0
    return resize(inside, height, width)[:, :, None]
