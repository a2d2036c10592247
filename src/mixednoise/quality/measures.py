"""The raw measures of one image, in grey values and shares; no judgement yet.

Structure is measured in the green channel: blood absorbs green, so that vessels, lesions and hairs
stand out there, and cameras have most of their pixels in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from mixednoise.quality.picture import WorkingPicture

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

#: Side of a tile in pixels of the working picture: 13 x 13 tiles in a square field of view.
TILE = 8
#: Fine detail is what a Gaussian of this standard deviation takes away (working pixels) ...
FINE = 2.0
#: ... coarse structure what remains of it and is taken away by one of this.
COARSE = 8.0
#: Luminance from which a pixel counts as overexposed, of 255.
CLIPPED = 250
#: Red over the next strongest colour in the warmest pictures: an orange fundus has 3 to 3.5.
WARMEST = 4.0
#: Response of the fine band to white noise of variance 1: 1 - 2 k(0) + sum k^2 for a Gaussian k.
_NOISE_IN_FINE = 1.0 - 2.0 / (2 * np.pi * FINE**2) + 1.0 / (4 * np.pi * FINE**2)
#: Immerkaer's kernel (CVIU 1996): blind to constant, sloping and evenly curved areas.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
#: Its response to white noise of variance 1.
_NOISE_NORM = 6.0
#: Median of |x| for a Gaussian of standard deviation 1.
_MAD = 0.6745


@dataclass(frozen=True)
class Measures:
    """What was measured inside the field of view, at the working size.

    Attributes:
        light: median luminance, 0-255.
        clipped: share of pixels that are overexposed, in [0, 1].
        evenness: luminance of the darkest tenth of the tiles over the median tile's, in [0, 1].
        spread: 5th to 95th percentile of the tiles' luminance, grey values.
        contrast: standard deviation of structure of 2 to 8 working pixels, median over tiles,
            grey values.
        detail: standard deviation of structure below 2 working pixels, without noise, mean over
            tiles, grey values.
        focus: share of the fine structure in all structure: fine / (fine + coarse + 1), in [0, 1).
        noise: standard deviation of the noise, grey values.
        cast: how far the mean colour lies outside of what grey pictures and tissue have, red at
            least as strong as green and blue and at most :data:`WARMEST` times as strong: the
            ratio to the limit that is broken, less 1; 0 = inside.
        field_of_view: share of the image that is inside the field of view, in [0, 1].
        side: longer side of the field of view in pixels of the image.
    """

    light: float
    clipped: float
    evenness: float
    spread: float
    contrast: float
    detail: float
    focus: float
    noise: float
    cast: float
    field_of_view: float
    side: int


def measure(picture: WorkingPicture) -> Measures:
    """Take all measures of one picture."""
    tiles = _Tiles(picture.inside)
    noise = _noise(picture)
    green = picture.green.astype(np.float32)
    blurred = cv2.GaussianBlur(green, (0, 0), FINE)
    fine = tiles.mean(np.square(green - blurred)) - np.float32(_NOISE_IN_FINE * noise**2)
    detail = float(np.sqrt(np.maximum(fine, 0.0)).mean())
    coarse = np.sort(np.sqrt(tiles.mean_of_quarter(_coarse_energy(tiles.quarter(blurred)))))
    counts = cv2.calcHist([picture.grey], [0], picture.inside, [256], [0, 256]).ravel()
    below = np.cumsum(counts)
    light = np.sort(tiles.mean(picture.grey.astype(np.float32)))
    low, tenth, middle, high = (
        float(light[int(share * (light.size - 1))]) for share in (0.05, 0.1, 0.5, 0.95)
    )
    red, other_green, blue = picture.colour
    return Measures(
        light=float(np.searchsorted(below, 0.5 * below[-1])),
        clipped=float(1.0 - below[CLIPPED - 1] / below[-1]),
        evenness=tenth / max(middle, 1.0),
        spread=high - low,
        contrast=float(coarse[coarse.size // 2]),
        detail=detail,
        focus=detail / (detail + float(coarse.mean()) + 1.0),
        noise=noise,
        cast=_cast(red, max(other_green, blue)),
        field_of_view=picture.share,
        side=picture.native_side,
    )


class _Tiles:
    """Means over square tiles of the working picture; what doesn't fill a tile is left out.

    Args:
        inside: uint8 (h, w), 1 = counts.
    """

    def __init__(self, inside: Bytes) -> None:
        height, width = inside.shape
        # Whole tiles, which OpenCV averages five times as fast; a sliver narrower than a tile is
        # averaged as it is.
        self._grid = (max(1, width // TILE), max(1, height // TILE))
        self._cut = (
            slice(0, self._grid[1] * TILE if height >= TILE else height),
            slice(0, self._grid[0] * TILE if width >= TILE else width),
        )
        self._inside = inside[self._cut].astype(np.float32)
        cover = self._shrink(self._inside, self._grid)
        self._used = cover >= min(0.5, float(cover.max()))
        self._cover = cover[self._used]

    def mean(self, values: Floats) -> Floats:
        """Mean of float32 (h, w) in each tile of which at least half counts, float32 (n,)."""
        sums = self._shrink(values[self._cut] * self._inside, self._grid)
        return np.asarray(sums[self._used] / self._cover)

    def quarter(self, values: Floats) -> Floats:
        """Averages over 4 x 4 pixels: 2 x 2 of them make a tile."""
        return self._shrink(values[self._cut], (2 * self._grid[0], 2 * self._grid[1]))

    def mean_of_quarter(self, values: Floats) -> Floats:
        """As :meth:`mean`, of values at the size that :meth:`quarter` gives."""
        sums = self._shrink(values * self.quarter(self._inside), self._grid)
        return np.asarray(sums[self._used] / self._cover)

    @staticmethod
    def _shrink(values: Floats, size: tuple[int, int]) -> Floats:
        return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA))


def _cast(red: float, other: float) -> float:
    """From mean red and the larger of mean green and blue; one grey value is added to each."""
    ratio = (other + 1.0) / (red + 1.0)
    return max(ratio - 1.0, 1.0 / (WARMEST * ratio) - 1.0, 0.0)


def _noise(picture: WorkingPicture) -> float:
    """Standard deviation from the median response: lines and edges are too few to move it."""
    response = cv2.filter2D(picture.green, cv2.CV_16S, _NOISE_KERNEL)
    counts = cv2.calcHist(
        [cv2.convertScaleAbs(response)], [0], picture.inside, [256], [0, 256]
    ).ravel()
    below = np.cumsum(counts)
    half = 0.5 * below[-1]
    # Whole numbers: within the one that holds the median, interpolated.
    at = int(np.searchsorted(below, half))
    median = at - 0.5 + (half - (below[at] - counts[at])) / counts[at]
    return max(float(median), 0.0) / _NOISE_NORM / _MAD


def _coarse_energy(small: Floats) -> Floats:
    """Squared structure between the two blurs, of the finer blur at a quarter of the size."""
    sigma = float(np.sqrt(COARSE**2 - FINE**2)) / 4
    return np.asarray(np.square(small - cv2.GaussianBlur(small, (0, 0), sigma)))
