"""Pixels that a caller hands over, checked before anything is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.errors import DataError


def must_be_rgb(image: np.ndarray[Any, Any], that: str) -> None:
    """Refuse an array that is no picture.

    Args:
        image: uint8 (H, W, 3) with at least one pixel, or something else.
        that: what for, for the message: ``that can be degraded``.

    Raises:
        DataError: something else.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise DataError(
            f"this is not an image {that}",
            expected="uint8 RGB, shape (H, W, 3)",
            found=f"{image.dtype}, shape {image.shape}",
            fix="decode the file with mixednoise.data.decode.decode_image",
        )
