"""Pictures as text inside of a page, none larger than it may be."""

from __future__ import annotations

import base64
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mixednoise.errors import DataError

#: Bytes of one picture at most, before base64 makes them a third more.
LARGEST = 60_000


def data_uri(picture: NDArray[Any], *, largest: int = LARGEST) -> str:
    """A JPEG as ``data:`` address; coarser, and in the end smaller, until it fits.

    Args:
        picture: uint8 (H, W), or (H, W, 3) in red, green, blue.
        largest: bytes of the JPEG at most, at least a few hundred.

    Raises:
        DataError: the picture can't be encoded.
    """
    pixels = np.ascontiguousarray(picture[:, :, ::-1] if picture.ndim == 3 else picture)
    while True:
        for quality in (85, 70, 50):
            # Full resolution of the colours: thin coloured lines would be washed out otherwise.
            options = [
                cv2.IMWRITE_JPEG_QUALITY,
                quality,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
                cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
            ]
            done, encoded = cv2.imencode(".jpg", pixels, options)
            if not done:
                raise DataError(
                    "a picture of the report can't be encoded",
                    expected="uint8 of shape (H, W) or (H, W, 3)",
                    found=f"{picture.dtype} {picture.shape}",
                    fix="leave the pictures out",
                )
            if len(encoded) <= largest or max(pixels.shape[:2]) < 16:
                text = base64.b64encode(encoded.tobytes()).decode("ascii")
                return f"data:image/jpeg;base64,{text}"
        height, width = pixels.shape[:2]
        size = max(1, width * 3 // 4), max(1, height * 3 // 4)
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
