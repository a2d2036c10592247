"""The round field of view of a fundus camera or dermatoscope: where the picture is.

Such images show a bright disc on a black border. The border carries no information, differs from
camera to camera, and takes up to half of the pixels of a wide photograph.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mixednoise.data.shrink import shrink

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Box = tuple[int, int, int, int]

#: Longest side of the copy that is searched: the box is exact to about 1/256 of the image.
SEARCH_SIDE = 256
#: Above the border by this share of the image's brightness counts as picture. Low, because the
#: rim of an unevenly lit fundus is far darker than its centre.
RIM_LEVEL = 0.10
#: A corner brighter than this share of the image's brightness is no black border.
BORDER_LEVEL = 0.4
#: Less contrast than this many grey values (of 255) between border and picture is no picture.
LEAST_CONTRAST = 8.0
#: Pieces smaller than this share of the largest one are text, reflections or dirt.
PIECE_SHARE = 0.2
#: A box smaller than this share of the image is a mistake, not a field of view.
LEAST_AREA = 0.05


def find_field_of_view(image: Pixels) -> Box:
    """Find the box around the bright field of view.

    The border's level and noise are read from the darkest corner; what rises clearly above it, in
    one large piece, is the field of view. Discs that are off centre or cut by the image's edge
    give the box of the visible part. Text, dust and noise in the border are ignored.

    Args:
        image: uint8 (H, W, 3) RGB or (H, W) grey.

    Returns:
        ``(x0, y0, x1, y1)`` in pixels, half open, so that ``image[y0:y1, x0:x1]`` is the field of
        view; exact to about 1/256 of the longer side. The whole image where there is no dark
        border, or nothing but dark.
    """
    height, width = image.shape[:2]
    whole = (0, 0, width, height)
    level = _brightness(image)
    small_height, small_width = level.shape
    border, noise = _border(level)
    # The 95th percentile, counted: many times faster than sorting.
    counts = np.cumsum(np.bincount(level.ravel(), minlength=256))
    picture = float(np.searchsorted(counts, 0.95 * level.size))
    contrast = picture - border
    if contrast < max(LEAST_CONTRAST, 4 * noise) or border > BORDER_LEVEL * picture:
        return whole
    threshold = border + max(RIM_LEVEL * contrast, 4 * noise, LEAST_CONTRAST / 2)
    mask = (level > threshold).astype(np.uint8)
    # Opening removes what is thinner than 1/50 of the image: letters, scratches, single pixels.
    brush = max(3, round(max(level.shape) / 50))
    mask = cv2.morphologyEx(
        mask, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (brush, brush))
    )
    # Outlines take a tenth of the time of labelling every pixel's component.
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return whole
    areas = np.array([cv2.contourArea(outline) for outline in outlines])
    kept = np.flatnonzero(areas >= PIECE_SHARE * areas.max())
    points = np.concatenate([outlines[piece][:, 0] for piece in kept])
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0) + 1
    if (x1 - x0) * (y1 - y0) < LEAST_AREA * small_height * small_width:
        return whole
    across, down = width / small_width, height / small_height
    return (
        int(x0 * across),
        int(y0 * down),
        min(width, int(np.ceil(x1 * across))),
        min(height, int(np.ceil(y1 * down))),
    )


def crop_field_of_view(image: Pixels) -> Pixels:
    """The part of ``image`` inside :func:`find_field_of_view`'s box: a view, uint8 (h, w, 3)."""
    x0, y0, x1, y1 = find_field_of_view(image)
    return image[y0:y1, x0:x1]


def _brightness(image: Pixels) -> Pixels:
    """A small, smoothed map of the brightest channel: a fundus is bright in red alone."""
    image = shrink(image, SEARCH_SIDE)
    if image.ndim == 3:
        red, green, blue = cv2.split(image)
        image = cv2.max(cv2.max(red, green), blue)
    level = np.ascontiguousarray(image)
    # A median takes out salt-and-pepper noise that a mean would smear into a grey border.
    return np.asarray(cv2.medianBlur(level, 3), dtype=np.uint8)


def _border(level: Pixels) -> tuple[float, float]:
    """Level and noise (standard deviation) of the darkest of the four corners."""
    height, width = level.shape
    side = max(2, round(0.04 * min(height, width)))
    corners = [
        level[rows, columns].ravel()
        for rows in (slice(0, side), slice(max(0, height - side), None))
        for columns in (slice(0, side), slice(max(0, width - side), None))
    ]
    medians = [_median(corner) for corner in corners]
    darkest = int(np.argmin(medians))
    spread = np.abs(corners[darkest].astype(np.float64) - medians[darkest])
    return medians[darkest], 1.4826 * _median(spread)


def _median(values: np.ndarray[Any, Any]) -> float:
    """The upper median; numpy's own takes ten times as long on so few values."""
    middle = values.size // 2
    return float(np.partition(values, middle)[middle])
