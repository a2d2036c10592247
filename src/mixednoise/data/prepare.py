"""The one way from an image to the square that a network sees, in training and in prediction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mixednoise.data.decode import UnreadableImageError, decode_bytes, read_image_file
from mixednoise.data.field_of_view import crop_field_of_view
from mixednoise.data.resize import Crop, Fit, resize_image

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class PreparedImage(NamedTuple):
    """A square image, and the size that the whole image has.

    Attributes:
        pixels: uint8 (S, S, 3) RGB.
        native_size: (height, width) of the whole image in pixels, after rotation, before cropping.
    """

    pixels: Pixels
    native_size: tuple[int, int]


def prepare_bytes(
    data: bytes, size: int, *, crop: Crop = "none", fit: Fit = "pad"
) -> PreparedImage:
    """Decode (a JPEG only as large as needed), crop and resize.

    Raises:
        UnreadableImageError: see :func:`.decode.decode_image`.
    """
    decoded = decode_bytes(data, min_side=size)
    image = decoded.image
    if crop == "field_of_view":
        image = crop_field_of_view(image)
        inside, whole = min(image.shape[:2]), min(decoded.image.shape[:2])
        if inside < size and decoded.image.shape[:2] != decoded.native_size:
            # A small field of view in a wide border: it alone must have enough pixels.
            decoded = decode_bytes(data, min_side=-(-size * whole // max(1, inside)))
            image = crop_field_of_view(decoded.image)
    return PreparedImage(resize_image(image, size, fit), decoded.native_size)


def prepare_file(
    path: Path | str, size: int, *, crop: Crop = "none", fit: Fit = "pad"
) -> PreparedImage:
    """Read an image file as the pixel store does: same arguments, same pixels.

    Raises:
        UnreadableImageError: with the path and a short reason.
    """
    try:
        return prepare_bytes(read_image_file(path), size, crop=crop, fit=fit)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, str(path), retry=error.retry) from error
