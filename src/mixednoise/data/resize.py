"""Fit an image of any shape into a square without distorting it."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np

from mixednoise.data.field_of_view import crop_field_of_view

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Fit = Literal["pad", "crop"]
Crop = Literal["none", "field_of_view"]


def resize_image(image: Pixels, size: int, fit: Fit = "pad") -> Pixels:
    """Resize to a square, aspect kept.

    Shrinking averages over areas (``INTER_AREA``), enlarging is bilinear, which unlike cubic
    interpolation can't overshoot at edges.

    Args:
        image: uint8 (H, W, 3).
        size: side S of the square in pixels.
        fit: ``pad`` shows the whole image, centred on black (letterbox: the longer side becomes
            S, the other ``round(S * shorter / longer)``, at least 1); ``crop`` fills the square
            with the largest centred square of the image.

    Returns:
        uint8 (S, S, 3), a new contiguous array.
    """
    height, width = image.shape[:2]
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return _scaled(image[top : top + side, left : left + side], size, size)
    longest = max(height, width)
    new_height = max(1, round(size * height / longest))
    new_width = max(1, round(size * width / longest))
    scaled = _scaled(image, new_height, new_width)
    if new_height == new_width:
        return scaled
    square = np.zeros((size, size, 3), np.uint8)
    top, left = (size - new_height) // 2, (size - new_width) // 2
    square[top : top + new_height, left : left + new_width] = scaled
    return square


def prepare_pixels(image: Pixels, size: int, *, crop: Crop = "none", fit: Fit = "pad") -> Pixels:
    """Crop and resize pixels that are already decoded.

    Args:
        image: uint8 (H, W, 3) RGB.
        size: side S of the result.
        crop: ``field_of_view`` cuts the black border away first.
        fit: ``pad`` or ``crop``, see :func:`resize_image`.

    Returns:
        uint8 (S, S, 3), a new array.
    """
    if crop == "field_of_view":
        image = crop_field_of_view(image)
    return resize_image(image, size, fit)


def _scaled(image: Pixels, height: int, width: int) -> Pixels:
    if image.shape[:2] == (height, width):
        return image.copy()
    shrinking = height <= image.shape[0] and width <= image.shape[1]
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)
