"""Making planes smaller: images by averaging over areas, masks by the nearest pixel."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from mixednoise.segmentation.labels import Mask

Array = np.ndarray[Any, Any]


def plane_size(shape: tuple[int, ...], image_size: int | None) -> tuple[int, int]:
    """(H, W) after isotropic resizing, in which the longer side is at most ``image_size``.

    Args:
        shape: (H, W) or (D, H, W); the depth is never resized.
        image_size: in pixels; None = as it is. Nothing is ever enlarged.
    """
    height, width = shape[-2:]
    longest = max(height, width)
    if image_size is None or longest <= image_size:
        return height, width
    return (
        max(1, round(image_size * height / longest)),
        max(1, round(image_size * width / longest)),
    )


def shrink_image(image: Array, size: tuple[int, int]) -> Array:
    """Average the planes of an image over areas.

    Args:
        image: uint8 or float32 (..., H, W).
        size: (H', W'), neither larger than before.

    Returns:
        (..., H', W') of the same type, contiguous.
    """
    if image.shape[-2:] == size:
        return np.ascontiguousarray(image)
    planes = image.reshape(-1, *image.shape[-2:])
    result = np.empty((len(planes), *size), image.dtype)
    for plane, target in zip(planes, result, strict=True):
        target[...] = cv2.resize(
            np.ascontiguousarray(plane), (size[1], size[0]), interpolation=cv2.INTER_AREA
        )
    return result.reshape(*image.shape[:-2], *size)


def resize_mask(mask: Mask, size: tuple[int, int]) -> Mask:
    """Take for each pixel the one whose area holds its centre; shrinks and enlarges.

    Pixel i of n' is pixel floor((i + 1/2) n / n') of n, which keeps mask and image aligned:
    OpenCV's ``INTER_NEAREST`` would shift masks by up to half a pixel.

    Args:
        mask: uint8 or bool (..., H, W).
        size: (H', W').

    Returns:
        (..., H', W') of the same type, contiguous.
    """
    rows, columns = (
        ((2 * np.arange(new) + 1) * old) // (2 * new)
        for new, old in zip(size, mask.shape[-2:], strict=True)
    )
    return np.ascontiguousarray(mask[..., rows[:, None], columns])
