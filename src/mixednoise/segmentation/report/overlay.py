"""One picture of one case: what was drawn, what is suspected, what is proposed instead."""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.colours import SKY, VERMILLION, YELLOW
from mixednoise.segmentation.labels import IGNORE

#: What each mark looks like. Colours differ for any colour vision, and line styles differ too.
GIVEN_COLOUR, SUSPECTED_COLOUR, PROPOSED_COLOUR = SKY, VERMILLION, YELLOW

Pixels = NDArray[np.uint8]
_OPACITY = 0.55  # of suspected pixels: the image must stay visible below them
_DASH = 7  # pixels of a dash, and of a gap
_HALO = 0.25  # what is left of the brightness beside a line
_IGNORED = 0.45  # what is left of the brightness of ignored pixels
_TALLEST = 2.0  # a picture is at most so many times as high as ``width``


class OverlayCase(NamedTuple):
    """What a picture is drawn from.

    Attributes:
        image: (C, *S) uint8 or float; None = no image at hand, drawn as plain grey.
        mask: class index or IGNORE (*S), as given.
        flagged: bool (*S), suspected to be wrong.
        proposed: class index or IGNORE (*S), the most probable classes.
    """

    image: NDArray[Any] | None
    mask: NDArray[Any]
    flagged: NDArray[Any]
    proposed: NDArray[Any]


def draw_overlay(
    image: ArrayLike | None,
    mask: ArrayLike,
    flagged: ArrayLike,
    proposed: ArrayLike,
    *,
    width: int,
) -> Pixels:
    """Draw one case: the image in grey, suspected pixels filled, both contours on top.

    The given mask's contour is a solid line, the proposed mask's a dashed one; where they run
    together, the dashes lie on the line. Of a volume, the slice along the first axis with the most
    suspected pixels is drawn.

    Args:
        image: (C, *S) uint8 or float, three channels being red, green, blue (of another number
            the first is drawn); None = plain grey.
        mask: class index or IGNORE (*S), 2-D or 3-D.
        flagged: bool (*S).
        proposed: class index or IGNORE (*S).
        width: of the picture, pixels; one more than twice as high as wide is made narrower.

    Returns:
        uint8 (height, width, 3), red, green, blue.

    Raises:
        DataError: arrays that don't fit together, or no picture to draw: empty, or not 2-D or 3-D.
    """
    case = flat_case(image, mask, flagged, proposed)
    picture = np.repeat(grey_picture(case, width=width)[:, :, None], 3, axis=2)
    size = picture.shape[1], picture.shape[0]
    given, suggested = nearest(case.mask, size), nearest(case.proposed, size)
    picture[given == IGNORE] = (picture[given == IGNORE] * _IGNORED).astype(np.uint8)
    spots = cover(case.flagged, size)
    picture[spots] = _blend(picture[spots], _rgb(SUSPECTED_COLOUR))
    solid, dashed = contour(given, dash=0), contour(suggested, dash=_DASH)
    lines = thick(solid, 2) | thick(dashed, 2)
    halo = thick(lines.astype(np.uint8), 3) & ~lines
    picture[halo] = (picture[halo] * _HALO).astype(np.uint8)
    picture[thick(solid, 2)] = _rgb(GIVEN_COLOUR)
    picture[thick(dashed, 2)] = _rgb(PROPOSED_COLOUR)
    return picture


def flat_case(
    image: ArrayLike | None, mask: ArrayLike, flagged: ArrayLike, proposed: ArrayLike
) -> OverlayCase:
    """The arrays of one case, checked, and of a volume one slice: all of them 2-D.

    Raises:
        DataError: as in :func:`draw_overlay`.
    """
    labels, suggested = np.asarray(mask), np.asarray(proposed)
    spots = np.asarray(flagged, dtype=bool)
    picture = None if image is None else np.asarray(image)
    shapes = [part.shape for part in (labels, spots, suggested)]
    if picture is not None:
        shapes.append(picture.shape[1:])
    if len(set(shapes)) > 1 or labels.ndim not in (2, 3) or not labels.size:
        raise DataError(
            "this case can't be drawn",
            expected="mask, error map and proposed mask of one shape (H, W) or (D, H, W), and an "
            "image with channels before it",
            found=", ".join(str(shape) for shape in shapes),
            fix="pass the arrays of one case, on one grid",
        )
    at = shown_slice(labels, spots)
    if at is not None:
        labels, spots, suggested = labels[at], spots[at], suggested[at]
        picture = None if picture is None else picture[:, at]
    return OverlayCase(
        picture, labels.astype(np.uint8, copy=False), spots, suggested.astype(np.uint8, copy=False)
    )


def shown_slice(mask: ArrayLike, flagged: ArrayLike) -> int | None:
    """Which slice along the first axis is drawn; None for a 2-D case.

    The one with the most suspected pixels; where nothing is suspected, with the most foreground.
    """
    spots, labels = np.asarray(flagged, dtype=bool), np.asarray(mask)
    if spots.ndim == 2:
        return None
    counted = spots if spots.any() else (labels != 0) & (labels != IGNORE)
    return int(np.count_nonzero(counted, axis=(1, 2)).argmax())


def grey_picture(case: OverlayCase, *, width: int) -> Pixels:
    """The image of a 2-D case in grey, uint8 (height, width), its darkest and brightest clipped."""
    height, across = case.mask.shape
    scale = min(width / across, _TALLEST * width / height)
    size = max(1, round(across * scale)), max(1, round(height * scale))
    if case.image is None:
        return np.full((size[1], size[0]), 128, dtype=np.uint8)
    channels = np.nan_to_num(np.asarray(case.image, dtype=np.float32), posinf=0.0, neginf=0.0)
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    grey = np.tensordot(weights, channels, axes=1) if len(channels) == 3 else channels[0]
    low, high = np.percentile(grey, [0.5, 99.5])
    if high <= low:
        return np.full((size[1], size[0]), 128, dtype=np.uint8)
    levels = np.clip((grey - low) / (high - low), 0, 1).astype(np.float32)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(np.rint(cv2.resize(levels, size, interpolation=how) * 255), dtype=np.uint8)


def nearest(labels: NDArray[Any], size: tuple[int, int]) -> Pixels:
    """A mask (H, W) at another size (width, height); no value is made that was not there."""
    return np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT))


def cover(flagged: NDArray[Any], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Output pixels that hold any suspected pixel: a single one must not vanish when made small."""
    shrinks = size[0] < flagged.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST_EXACT
    share = cv2.resize(flagged.astype(np.float32), size, interpolation=how)
    return np.asarray(share > 1e-6)


def contour(labels: Pixels, *, dash: int) -> Pixels:
    """Rim pixels of every foreground region, 0 or 1; with ``dash``, only every other stretch."""
    lines = np.zeros(labels.shape, dtype=np.uint8)
    for value in np.unique(labels):
        if value in (0, IGNORE):
            continue
        # A frame of nothing: a region that touches the rim of the image is closed there.
        region = np.pad((labels == value).astype(np.uint8), 1)
        found, _ = cv2.findContours(region, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for points in found:
            along = points[:, 0] - 1
            if dash:
                along = along[np.arange(len(along)) // dash % 2 == 0]
            lines[along[:, 1], along[:, 0]] = 1
    return lines


def thick(lines: Pixels, size: int) -> NDArray[np.bool_]:
    """Lines made ``size`` pixels wide, bool (H, W)."""
    return np.asarray(cv2.dilate(lines, np.ones((size, size), np.uint8)), dtype=bool)


def _blend(below: Pixels, colour: NDArray[np.uint8]) -> Pixels:
    return np.asarray(np.rint(below * (1 - _OPACITY) + colour * _OPACITY), dtype=np.uint8)


def _rgb(colour: str) -> NDArray[np.uint8]:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], dtype=np.uint8)
