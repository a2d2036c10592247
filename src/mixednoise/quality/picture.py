"""The picture that every measure is taken on: the field of view at one fixed size.

One size, so that a photograph of 4,000 pixels and its thumbnail of 256 get the same verdict: what
is larger is brought to :data:`COMMON_SIDE` before anything is looked at, so that both go the same
way from there. The field of view alone, so that neither the black border nor its sharp rim counts
as picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mixednoise.data.field_of_view import (
    BORDER_LEVEL,
    LEAST_AREA,
    LEAST_CONTRAST,
    PIECE_SHARE,
    RIM_LEVEL,
)
from mixednoise.data.rgb import must_be_rgb

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

#: Longer side in pixels to which larger images are averaged first.
COMMON_SIDE = 256
#: Longer side of the field of view in pixels when it is measured: small enough for nearly every
#: image to have it, large enough for vessels and hairs to be seen; 13 tiles of 8.
WORKING_SIDE = 104
#: Longer side of the copy in which the field of view is searched, and light and colour measured; up
#: to a quarter more is left as it is.
PREVIEW_SIDE = 128
#: Nothing in an image brighter than this (of 255) is no picture.
LEAST_LIGHT = 20.0
#: So much is taken off the rim of a round field of view: lens reflexes, and what filters smear.
RIM = 5
#: Standard deviation of a Gaussian as wide as a box of side 1.
SIGMA_OF_AREA = 12**-0.5
#: A field of view that touches this share of a side of its box, and that side the image's own edge,
#: was cut there by the sensor: it has no rim on that side. A whole disc touches less.
CUT_SHARE = 0.5


@dataclass(frozen=True)
class WorkingPicture:
    """A field of view made ready for measuring.

    Attributes:
        green: uint8 (h, w), the longer side :data:`WORKING_SIDE` pixels: the channel in which
            structure is measured. The border is filled with the mean of the picture: filters would
            otherwise see little but the edge of the disc.
        grey: uint8 (h, w), luminance, filled likewise; may be softer than ``green``.
        inside: uint8 (h, w), 1 = inside the field of view and away from its rim, else 0.
        colour: mean red, green and blue of the field of view, 0-255.
        found: False where the image is too dark to show a picture anywhere.
        share: of the image's area inside the field of view, in [0, 1]; 1 = no dark border.
        native_side: longer side of the field of view in pixels of the whole image.
    """

    green: Pixels
    grey: Pixels
    inside: Pixels
    colour: tuple[float, float, float]
    found: bool
    share: float
    native_side: int


def working_picture(image: Pixels, *, reduced: float = 1.0) -> WorkingPicture:
    """Find the field of view and bring it to the working size.

    The rules are those of :func:`mixednoise.data.field_of_view.find_field_of_view`, which gives a
    box; here the outline is needed too, and searching a smaller copy makes it many times faster.

    Args:
        image: uint8 (H, W, 3) RGB, as :func:`mixednoise.data.decode.decode_image` gives it.
        reduced: how many times smaller than the whole image it was decoded.

    Raises:
        DataError: not a uint8 RGB image.
    """
    must_be_rgb(image, "whose quality can be measured")
    common = image if max(image.shape[:2]) <= COMMON_SIDE else _scaled(image, COMMON_SIDE)
    small_enough = max(common.shape[:2]) <= 1.25 * PREVIEW_SIDE
    preview = common if small_enough else _scaled(common, PREVIEW_SIDE)
    disc, bright = _outline(preview)
    height, width = disc.shape
    x0, y0, wide, high = cv2.boundingRect(disc)
    share = cv2.countNonZero(disc) / disc.size
    red, green, blue, _ = cv2.mean(preview, disc)
    across, down = image.shape[1] / width, image.shape[0] / height
    # A field of view that is small in its image needs all pixels that there are.
    lost = max(wide / width * common.shape[1], high / height * common.shape[0]) < WORKING_SIDE
    source = image if lost else common
    by_x, by_y = source.shape[1] / width, source.shape[0] / height
    box = (
        slice(round(y0 * by_y), round((y0 + high) * by_y)),
        slice(round(x0 * by_x), round((x0 + wide) * by_x)),
    )
    cut = (slice(y0, y0 + high), slice(x0, x0 + wide))
    # Only green is taken from more pixels: light and colour don't need its resolution.
    fine = _sharp(cv2.extractChannel(source[box], 1), WORKING_SIDE)
    size = fine.shape[::-1]
    grey = cv2.cvtColor(preview[cut], cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR)
    disc = cv2.resize(disc[cut], size, interpolation=cv2.INTER_NEAREST)
    at_edge = (y0 == 0, y0 + high == height, x0 == 0, x0 + wide == width)
    if share < 1.0:
        border = disc == 0
        np.putmask(fine, border, round(green))
        np.putmask(grey, border, round(cv2.mean(grey, disc)[0]))
    return WorkingPicture(
        green=fine,
        grey=grey,
        inside=_without_rim(disc, at_edge) if share < 1.0 else disc,
        colour=(red, green, blue),
        found=bright >= LEAST_LIGHT,
        share=share,
        native_side=round(max(wide * across, high * down) * reduced),
    )


def _scaled(image: Pixels, side: int) -> Pixels:
    """The longer side at ``side`` pixels, aspect kept; a new array."""
    height, width = image.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Averaging over areas is what a lower resolution of the same camera would have done.
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def _sharp(channel: Pixels, side: int) -> Pixels:
    """As :func:`_scaled` for one channel, several times as fast where the sizes have no ratio.

    Blurred by a Gaussian as wide as the area that a new pixel averages, then interpolated.
    """
    times = max(channel.shape) / side
    if times >= 4 or times <= 1 or times == int(times):
        return _scaled(channel, side)
    blurred = cv2.GaussianBlur(channel, (0, 0), SIGMA_OF_AREA * times)
    height, width = channel.shape
    size = (max(1, round(width / times)), max(1, round(height / times)))
    return np.asarray(cv2.resize(blurred, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def _outline(image: Pixels) -> tuple[Pixels, float]:
    """Where the picture is, and how bright its bright parts are.

    The convex hull of what rises above the darkest corner, so that shadows inside the disc stay
    inside.

    Args:
        image: uint8 (h, w, 3).

    Returns:
        uint8 (h, w), 1 = picture; everything where no corner is dark. The 95th percentile of the
        brightest channel.
    """
    red, green, blue = cv2.split(image)
    # A fundus is bright in red alone. A median takes out specks that would pull the outline.
    level = np.asarray(cv2.medianBlur(cv2.max(cv2.max(red, green), blue), 3), np.uint8)
    counts = np.cumsum(cv2.calcHist([level], [0], None, [256], [0, 256]))
    bright = float(np.searchsorted(counts, 0.95 * level.size))
    tip = max(1, min(level.shape) // 25)
    corners = (level[:tip, :tip], level[:tip, -tip:], level[-tip:, :tip], level[-tip:, -tip:])
    border = min(cv2.mean(corner)[0] for corner in corners)
    whole = np.ones_like(level)
    if bright - border < LEAST_CONTRAST or border > BORDER_LEVEL * bright or bright < LEAST_LIGHT:
        return whole, bright
    threshold = border + max(RIM_LEVEL * (bright - border), LEAST_CONTRAST / 2)
    lit = cv2.compare(level, threshold, cv2.CMP_GT)
    # Opening removes what is thinner than 5 pixels: letters, scratches.
    lit = cv2.morphologyEx(lit, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    pieces, _ = cv2.findContours(lit, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not pieces:
        return whole, bright
    areas = [cv2.contourArea(piece) for piece in pieces]
    least = PIECE_SHARE * max(areas)
    kept = [piece for piece, area in zip(pieces, areas, strict=True) if area >= least]
    disc = np.zeros_like(level)
    cv2.fillConvexPoly(disc, cv2.convexHull(np.concatenate(kept)), 1)
    return (disc if cv2.countNonZero(disc) >= LEAST_AREA * disc.size else whole), bright


def _without_rim(disc: Pixels, at_edge: tuple[bool, bool, bool, bool]) -> Pixels:
    """Erode by :data:`RIM` pixels, except where the image's own edge ends a picture.

    Args:
        disc: uint8 (h, w) that fills its box, 1 = picture.
        at_edge: whether its top, bottom, left and right are those of the image.
    """
    side = 2 * RIM + 1
    # By itself OpenCV takes what is beyond the edge for picture ...
    eroded = cv2.erode(disc, np.ones((side, side), np.uint8))
    # ... which is right where the sensor cuts it; else it is border.
    sides = (
        (disc[0], eroded[:RIM]),
        (disc[-1], eroded[-RIM:]),
        (disc[:, 0], eroded[:, :RIM]),
        (disc[:, -1], eroded[:, -RIM:]),
    )
    for own, (outermost, strip) in zip(at_edge, sides, strict=True):
        if not own or np.count_nonzero(outermost) < CUT_SHARE * outermost.size:
            strip[...] = 0
    return np.asarray(eroded, np.uint8) if cv2.countNonZero(eroded) else disc
