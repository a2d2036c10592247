"""What lies over an image: one mark of its mask as a transparent picture."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mixednoise.review.server.cache import ByteCache
from mixednoise.review.server.masks import MaskCase, Masks
from mixednoise.review.server.originals import Original
from mixednoise.review.server.pictures import SIDES, Encoded, Size, encoded, png
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.report.overlay import (
    GIVEN_COLOUR,
    PROPOSED_COLOUR,
    SUSPECTED_COLOUR,
    OverlayCase,
    contour,
    cover,
    draw_overlay,
    nearest,
    thick,
)

#: given, proposed: outlines; suspected: filled.
Layer = Literal["given", "suspected", "proposed"]
COLOURS: dict[Layer, str] = {
    "given": GIVEN_COLOUR,
    "suspected": SUSPECTED_COLOUR,
    "proposed": PROPOSED_COLOUR,
}
#: Sides of a layer in pixels: lines on small masks are drawn finer than the mask's own pixels.
_SMALLEST, _LARGEST = 1024, 2048
_DASH = 12
_HALO = (16, 16, 16, 160)
_CACHE_BYTES = 64_000_000

Pixels = NDArray[np.uint8]


class Layers:
    """Pictures of cases and of what was found in them, kept for the next time.

    Args:
        masks: the cases.
        stamps: row -> differs when its files were written to.

    Attributes:
        masks: as given.
    """

    def __init__(self, masks: Masks, stamps: Any) -> None:
        self.masks, self._stamps = masks, stamps
        self._cache: ByteCache[Encoded] = ByteCache(_CACHE_BYTES, lambda found: len(found.data))

    def image(self, row: int, size: Size, place: int | None) -> Encoded:
        """A slice of the image; a thumbnail has its marks on it. Errors as :meth:`.Masks.read`."""
        key = (row, size, place, self._stamps(row))
        return self._cache.get(key, lambda: _image(self.masks.read(row), size, place))

    def layer(self, row: int, layer: Layer, place: int | None, of: int | None) -> bytes:
        """One mark of a slice as PNG with transparency; see :func:`draw_layer`."""
        key = (row, layer, place, of, self._stamps(row))

        def make() -> Encoded:
            case = self.masks.read(row)
            data = png(draw_layer(case, layer, slice_of(case, place), of=of))
            return Encoded(data, "image/png", case.given.shape[1:3], case.changed)

        return self._cache.get(key, make).data


def slice_of(case: MaskCase, place: int | None) -> int:
    """A slice that the case has; None = the one to begin with."""
    return case.shown if place is None else min(max(place, 0), len(case.given) - 1)


def draw_layer(case: MaskCase, layer: Layer, place: int, *, of: int | None = None) -> Pixels:
    """Draw one mark of a slice.

    Args:
        case: the case.
        layer: what to draw.
        place: the slice.
        of: only what concerns this class; None = all.

    Returns:
        uint8 (H', W', 4) RGBA, the longer side between 1024 and 2048 pixels.
    """
    height, width = case.given.shape[1:3]
    longest = max(height, width)
    # Whole times larger, so that all pixels of a mask are of one size.
    scale = max(1, -(-_SMALLEST // longest)) if longest <= _LARGEST else _LARGEST / longest
    size = max(1, round(width * scale)), max(1, round(height * scale))
    drawn = np.zeros((size[1], size[0], 4), np.uint8)
    colour = _rgba(COLOURS[layer])
    if layer == "suspected":
        drawn[cover(_suspected(case, place, of), size)] = colour
        return drawn
    labels = np.ascontiguousarray(case.given[place] if layer == "given" else case.proposed[place])
    if of is not None:
        labels = np.where(labels == of, of, 0).astype(np.uint8)
    lines = thick(contour(nearest(labels, size), dash=_DASH if layer == "proposed" else 0), 3)
    drawn[thick(lines.astype(np.uint8), 3)] = _HALO
    drawn[lines] = colour
    return drawn


def _suspected(case: MaskCase, place: int, of: int | None) -> NDArray[np.bool_]:
    spots = case.suspected[place]
    if of is not None:
        spots = spots & ((case.given[place] == of) | (case.proposed[place] == of))
    return np.ascontiguousarray(spots)


def _image(case: MaskCase, size: Size, place: int | None) -> Encoded:
    at = slice_of(case, place)
    pixels = np.ascontiguousarray(case.image[at])
    native = pixels.shape[:2]
    side = SIDES[size]
    if size == "thumb" and side is not None:
        height, width = native
        across = max(1, round(side * min(1, width / height)))
        planes = OverlayCase(
            pixels.transpose(2, 0, 1), case.given[at], case.suspected[at], case.proposed[at]
        )
        pixels = draw_overlay(*planes, width=across)
    return encoded(Original(pixels, (native[0], native[1]), case.changed), size)


def suspected_per_slice(case: MaskCase) -> list[int]:
    """Suspected pixels of each slice."""
    return [int(count) for count in np.count_nonzero(case.suspected, axis=(1, 2))]


def classes_in(case: MaskCase) -> list[int]:
    """Classes that the given or the proposed mask has, the background left out."""
    found = set(np.unique(case.given).tolist()) | set(np.unique(case.proposed).tolist())
    return sorted(int(value) for value in found - {0, IGNORE})


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    return red, green, blue, 255
