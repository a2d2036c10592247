"""Distances between the surfaces of two regions: HD95 and ASSD."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import binary_erosion
from scipy.spatial import cKDTree

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.ranking import Floats

#: What a comparison of nothing with nothing is worth: undefined, or perfect.
EmptyRule = Literal["nan", "one"]
#: How far a region is from one that isn't there: undefined, or the diagonal of the image.
UnmatchedRule = Literal["nan", "diagonal"]

Region = NDArray[np.bool_]


def hd95_assd(
    predicted: ArrayLike,
    truth: ArrayLike,
    *,
    spacing: Sequence[float] | float | None = None,
    empty: EmptyRule = "nan",
    unmatched: UnmatchedRule = "nan",
) -> tuple[float, float]:
    """95 % Hausdorff distance and average symmetric surface distance of two regions.

    The surface of a region are its pixels that have a face in common with a pixel outside of it
    or lie on the rim of the image; distances are Euclidean, from pixel centre to pixel centre.
    With A the distances from each surface pixel of the prediction to the nearest one of the truth,
    and B the other way round:

    - HD95 = max(95th percentile of A, 95th percentile of B), percentiles linearly interpolated,
    - ASSD = (sum A + sum B) / (\\|A\\| + \\|B\\|),

    both as MONAI computes them (``compute_hausdorff_distance(percentile=95)``,
    ``compute_average_surface_distance(symmetric=True)``).

    Args:
        predicted: bool (*S), 2-D or 3-D.
        truth: bool (*S).
        spacing: size of a pixel along each axis, mm (or any unit: it is that of the result); one
            number for all axes; None = 1, so that the result is in pixels.
        empty: where both are empty: ``nan`` = undefined, ``one`` = perfect, a distance of 0.
        unmatched: where one of the two is empty: ``nan`` = undefined (its Dice is 0 already),
            ``diagonal`` = the length of the image's diagonal, the worst that could be.

    Returns:
        ``(hd95, assd)`` in the unit of ``spacing``.

    Raises:
        DataError: the shapes differ.
        ConfigError: a spacing that doesn't fit the axes or is not above zero; an unknown rule.
    """
    own, other = np.asarray(predicted, dtype=bool), np.asarray(truth, dtype=bool)
    if own.shape != other.shape or own.ndim == 0:
        raise DataError(
            "the predicted and the true region differ in size",
            expected="two masks of the same shape",
            found=f"{own.shape} and {other.shape}",
            fix="resample the prediction to the grid of the true mask",
        )
    check_rules(empty, unmatched)
    size = pixel_size(spacing, own.ndim)
    there = own.any(), other.any()
    if not any(there):
        value = 0.0 if empty == "one" else float("nan")
        return value, value
    if not all(there):
        diagonal = float(np.linalg.norm(np.array(own.shape) * size))
        value = diagonal if unmatched == "diagonal" else float("nan")
        return value, value
    forth, back = surface_distances(own, other, size)
    hd95 = max(float(np.percentile(forth, 95)), float(np.percentile(back, 95)))
    assd = float((forth.sum() + back.sum()) / (len(forth) + len(back)))
    return hd95, assd


def surface_distances(predicted: Region, truth: Region, size: Floats) -> tuple[Floats, Floats]:
    """Distances from every surface pixel of one region to the surface of the other, both ways.

    Args:
        predicted: bool (*S), not empty.
        truth: bool (*S), not empty.
        size: float64 (number of axes,), size of a pixel.

    Returns:
        float64 (number of surface pixels of ``predicted``,), and the same of ``truth``.
    """
    own, other = surface_points(predicted) * size, surface_points(truth) * size
    # Trees rather than distance maps: surfaces are thin, volumes are not.
    forth, _ = cKDTree(other).query(own)
    back, _ = cKDTree(own).query(other)
    return np.asarray(forth, dtype=np.float64), np.asarray(back, dtype=np.float64)


def surface_points(region: Region) -> NDArray[np.int64]:
    """Positions of the surface pixels, int64 (n, number of axes)."""
    box = []
    for axis in range(region.ndim):
        others = tuple(a for a in range(region.ndim) if a != axis)
        at = np.flatnonzero(region.any(axis=others))
        box.append(slice(int(at[0]), int(at[-1]) + 1) if len(at) else slice(0, 0))
    cut = region[tuple(box)]
    # Erosion takes what lies outside of the box for outside of the region, which it is.
    points = np.argwhere(cut & ~binary_erosion(cut))
    return np.asarray(points + np.array([part.start for part in box]), dtype=np.int64)


def pixel_size(spacing: Sequence[float] | float | None, axes: int) -> Floats:
    """The spacing as float64 (axes,).

    Raises:
        ConfigError: not one number above zero per axis.
    """
    given: Any = 1.0 if spacing is None else spacing
    size = np.asarray(given, dtype=np.float64)
    if size.ndim == 0:
        size = np.full(axes, float(size))
    if size.shape != (axes,) or not (np.isfinite(size) & (size > 0)).all():
        raise ConfigError(
            "the spacing doesn't fit the masks",
            expected=f"{axes} numbers above zero, one per axis, or one for all",
            found=str(given),
            fix="pass the size of a pixel along each axis, in the order of the axes",
        )
    return size


def check_rules(empty: str, unmatched: str) -> None:
    """Refuse a rule that there isn't.

    Raises:
        ConfigError: an unknown ``empty`` or ``unmatched``.
    """
    for name, value, known in (
        ("empty", empty, get_args(EmptyRule)),
        ("unmatched", unmatched, get_args(UnmatchedRule)),
    ):
        if value not in known:
            raise ConfigError(
                f"there is no rule {value!r} for {name}",
                expected=" or ".join(known),
                found=repr(value),
                fix=f"choose one of them for {name}",
            )
