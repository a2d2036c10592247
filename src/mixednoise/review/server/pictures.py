"""Images as a browser can show them: reduced, encoded, kept for the next time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

from mixednoise.data.shrink import shrink
from mixednoise.review.server.cache import ByteCache
from mixednoise.review.server.originals import Original, Originals

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
#: thumb: for lists; view: for the screen; full: every pixel.
Size = Literal["thumb", "view", "full"]
#: Longest side in pixels.
SIDES: dict[Size, int | None] = {"thumb": 144, "view": 1600, "full": None}
#: Images of up to so many pixels lose nothing to compression (PNG); larger ones are JPEG.
_LOSSLESS_PIXELS = 1_500_000
_QUALITY: dict[Size, int] = {"thumb": 85, "view": 93, "full": 96}
_CACHE_BYTES = 192_000_000


@dataclass(frozen=True)
class Encoded:
    """A picture for the browser.

    Attributes:
        data: the file.
        media_type: ``image/png`` or ``image/jpeg``.
        native_size: (height, width) of the image that it shows.
        changed: whether the image has changed since the audit.
    """

    data: bytes
    media_type: str
    native_size: tuple[int, int]
    changed: bool


class Pictures:
    """Encoded images by row.

    Args:
        originals: where they come from.
    """

    def __init__(self, originals: Originals) -> None:
        self._originals = originals
        self._cache: ByteCache[Encoded] = ByteCache(_CACHE_BYTES, lambda found: len(found.data))

    def get(self, row: int, size: Size) -> Encoded:
        """One image; errors as :meth:`.Originals.read`."""
        key = (row, size, self._originals.stamp(row))
        return self._cache.get(key, lambda: self._make(row, size))

    def _make(self, row: int, size: Size) -> Encoded:
        side = SIDES[size]
        # A JPEG of 4 000 pixels is decoded at a quarter for a thumbnail.
        original = self._originals.read(row, min_side=side if size == "thumb" else None)
        return encoded(original, size)


def encoded(original: Original, size: Size) -> Encoded:
    """Reduce and encode an image."""
    side = SIDES[size]
    pixels = original.pixels if side is None else shrink(original.pixels, side)
    whole = pixels is original.pixels and size != "thumb"
    lossless = whole and pixels.shape[0] * pixels.shape[1] <= _LOSSLESS_PIXELS
    data = png(pixels) if lossless else _jpeg(pixels, _QUALITY[size])
    kind = "image/png" if lossless else "image/jpeg"
    return Encoded(data, kind, original.native_size, original.changed)


def png(pixels: Pixels) -> bytes:
    """Encode uint8 (H, W), RGB (H, W, 3) or RGBA (H, W, 4), fast rather than small."""
    return _encode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 2])


def _jpeg(pixels: Pixels, quality: int) -> bytes:
    full_colour = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    return _encode(
        ".jpg",
        pixels,
        [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full_colour],
    )


def _encode(ending: str, pixels: Pixels, options: list[int]) -> bytes:
    channels = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
    if pixels.ndim == 3:
        pixels = np.asarray(cv2.cvtColor(pixels, channels[pixels.shape[2]]), np.uint8)
    done, data = cv2.imencode(ending, pixels, options)
    if not done:  # pragma: no cover - whole uint8 images can always be encoded
        raise ValueError(f"an image of shape {pixels.shape} can't be encoded")
    return data.tobytes()
