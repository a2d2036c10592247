"""Make a picture smaller, never larger."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def shrink(image: Pixels, side: int) -> Pixels:
    """The image, uint8 (H, W) or (H, W, C), with its longest side at most ``side`` pixels.

    One that is no longer than that is returned itself.
    """
    height, width = image.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return image
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
