"""What annotators get wrong, done to one region: too large, too small, frayed, displaced, missed.

Pure functions ``(region, radius, rng) -> region``. Dilation, erosion and edge distortion are those
of section 3 of the method; the others are further errors that hands make.

A region is bool (H, W), or (D, H, W). In three dimensions ``volume=False`` works as annotators do,
slice by slice along the first axis, with discs; ``volume=True`` works with balls, in voxels, and
suits volumes whose voxels are about as deep as wide.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from mixednoise.noise.mask_discs import Region, bounding_box, dilate, disc, erode

#: Hysteresis thresholds of Canny's edges, for a region drawn as 0 and 255.
_CANNY = (64, 200)
#: Chance of an edge pixel to be painted over, and of the paint to be foreground.
_KEPT_EDGE, _FOREGROUND = 0.5, 0.5
#: Chance of each component to be dropped, where there are several.
_DROPPED = 0.5

Points = np.ndarray[Any, np.dtype[np.int64]]


def _dilate(region: Region, radius: int, rng: np.random.Generator, volume: bool) -> Region:
    """Dilation with the closed disc or ball; nothing is drawn at random."""
    return dilate(region, radius, volume=volume)


def _erode(region: Region, radius: int, rng: np.random.Generator, volume: bool) -> Region:
    """Erosion with the closed disc or ball; nothing is drawn at random."""
    return erode(region, radius, volume=volume)


def distort_edge(
    region: Region, radius: int, rng: np.random.Generator, volume: bool = False
) -> Region:
    """Fray the edge: each second edge pixel is painted over by a disc, inside or outside colour.

    The edge is Canny's (64, 200), in volumes slice by slice. Each of its pixels is kept with
    probability 0.5; in raster order a closed disc of radius 0..``radius - 1``, all alike, is
    painted at it, with foreground or background alike. Later discs lie on earlier ones.
    """
    edge = _edge(region)
    edge = edge[rng.random(len(edge)) < _KEPT_EDGE]
    radii = rng.integers(0, radius, size=len(edge)).tolist()
    colours = (rng.random(len(edge)) < _FOREGROUND).tolist()
    painted = region.copy()
    for centre, disc_radius, colour in zip(edge.tolist(), radii, colours, strict=True):
        if volume or region.ndim == 2:
            _paint(painted, centre, disc_radius, colour)
        else:
            _paint(painted[centre[0]], centre[1:], disc_radius, colour)
    return painted


def _edge(region: Region) -> Points:
    """Edge pixels, int64 (N, ndim), in raster order."""
    slices = region if region.ndim == 3 else region[None]
    edges = np.zeros(slices.shape, dtype=bool)
    for index in np.flatnonzero(slices.any(axis=(1, 2))):
        edges[index] = cv2.Canny(slices[index].astype(np.uint8) * np.uint8(255), *_CANNY) > 0
    return np.argwhere(edges if region.ndim == 3 else edges[0])


def _paint(canvas: Region, centre: list[int], radius: int, colour: bool) -> None:
    """Set the disc or ball around ``centre``, as far as it lies inside, in place."""
    place, part = [], []
    for position, size in zip(centre, canvas.shape, strict=True):
        first, last = max(0, position - radius), min(size, position + radius + 1)
        place.append(slice(first, last))
        part.append(slice(first - position + radius, last - position + radius))
    canvas[tuple(place)][disc(radius, canvas.ndim)[tuple(part)]] = colour


def shift(region: Region, radius: int, rng: np.random.Generator, volume: bool = False) -> Region:
    """Move the region by ``radius`` pixels (to the nearest whole offset) in a random direction.

    What leaves the image is lost. Without ``volume`` every slice moves alike, within its plane.
    """
    direction = rng.standard_normal(region.ndim if volume else 2)
    offset = np.rint(radius * direction / np.linalg.norm(direction)).astype(int).tolist()
    offset = [0] * (region.ndim - len(offset)) + offset
    moved = np.zeros_like(region)
    target = tuple(
        slice(max(0, o), max(0, n + o)) for o, n in zip(offset, region.shape, strict=True)
    )
    source = tuple(
        slice(max(0, -o), max(0, n - o)) for o, n in zip(offset, region.shape, strict=True)
    )
    moved[target] = region[source]
    return moved


def drop(region: Region, radius: int, rng: np.random.Generator, volume: bool = False) -> Region:
    """Leave parts out, as if they had been overlooked.

    Of several connected components (diagonal neighbours are connected) each is removed with
    probability 0.5: at least one, never all. Of a single one, a disc of ``radius`` around one of
    its pixels is removed (a ball with ``volume``; without, the same disc in every slice).
    """
    components, count = _components(region)
    if count == 0:
        return region.copy()
    if count > 1:
        gone = rng.random(count) < _DROPPED
        # One that goes and one that stays are drawn first, so that neither can be lacking.
        gone[rng.choice(count, size=2, replace=False)] = [True, False]
        return np.asarray(region & ~np.concatenate([[False], gone])[components])
    inside = np.argwhere(region)
    centre = inside[rng.integers(len(inside))].tolist()
    remaining = region.copy()
    if volume or region.ndim == 2:
        _paint(remaining, centre, radius, False)
    else:
        for plane in remaining:
            _paint(plane, centre[1:], radius, False)
    return remaining


def merge(region: Region, radius: int, rng: np.random.Generator, volume: bool = False) -> Region:
    """Bridge a random connected component to its nearest neighbour.

    The bridge is the straight line between the two closest pixels, dilated by ``radius``. A region
    that is in one piece already comes back as it was.
    """
    components, count = _components(region)
    if count < 2:
        return region.copy()
    chosen = int(rng.integers(1, count + 1))
    # Only the outermost pixels can be the closest ones.
    rim = np.argwhere(region & ~erode(region, 1, volume=region.ndim == 3))
    own = components[tuple(rim.T)] == chosen
    distance, index = cKDTree(rim[own]).query(rim[~own])
    nearest = int(np.argmin(distance))
    start, end = rim[own][index[nearest]], rim[~own][nearest]
    steps = np.linspace(0.0, 1.0, int(np.abs(end - start).max()) + 1)[:, None]
    line = np.zeros_like(region)
    line[tuple(np.rint(start + steps * (end - start)).astype(int).T)] = True
    return region | dilate(line, radius, volume=volume)


def _components(region: Region) -> tuple[np.ndarray[Any, np.dtype[np.int32]], int]:
    """Connected components 1..count (0 = outside), diagonal neighbours included."""
    labelled, count = np.zeros(region.shape, dtype=np.int32), 0
    box = bounding_box(region)
    if box is not None:
        around = np.ones((3,) * region.ndim, dtype=bool)
        labelled[box], count = ndimage.label(region[box], structure=around)
    return labelled, int(count)


Operation = Callable[[Region, int, np.random.Generator, bool], Region]
#: Every kind that is one operation on one region.
OPERATIONS: dict[str, Operation] = {
    "dilate": _dilate,
    "erode": _erode,
    "edge": distort_edge,
    "shift": shift,
    "drop": drop,
    "merge": merge,
}
#: Kinds whose result follows from the radius alone.
WITHOUT_CHANCE = frozenset({"dilate", "erode"})
