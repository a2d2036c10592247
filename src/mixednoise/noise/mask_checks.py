"""The options of mask noise, and what is refused before anything is drawn."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

import numpy as np

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES, Mask

MaskNoise = Literal["dilate", "erode", "edge", "shift", "drop", "merge", "mixed"]
#: Kinds of mask noise; ``mixed`` is dilate, erode or edge.
MASK_NOISES: tuple[MaskNoise, ...] = get_args(MaskNoise)

OnEmpty = Literal["keep", "resample", "allow"]
#: What to do where noise would delete a structure.
ON_EMPTY: tuple[OnEmpty, ...] = get_args(OnEmpty)

#: A radius in pixels, or the smallest and the largest to draw from, both included.
Radius = int | tuple[int, int]


def check_options(kind: str, on_empty: str) -> None:
    """Refuse a kind or a guard that there is not.

    Raises:
        ConfigError: with the ones that there are.
    """
    for what, value, known in (
        ("mask noise", kind, MASK_NOISES),
        ("way to treat emptied structures (on_empty)", on_empty, ON_EMPTY),
    ):
        if value not in known:
            raise ConfigError(
                f"there is no {what} {value!r}",
                expected=", ".join(known),
                found=repr(value),
                fix="choose one of these",
            )


def check_radius(radius: Radius) -> tuple[int, int]:
    """The smallest and the largest radius.

    Raises:
        ConfigError: no whole number of at least 1, or a range that is upside down.
    """
    ends = radius if isinstance(radius, tuple) else (radius, radius)
    whole = all(isinstance(end, int | np.integer) and not isinstance(end, bool) for end in ends)
    if not whole or len(ends) != 2 or not 1 <= ends[0] <= ends[1]:
        raise ConfigError(
            "the radius can't be used",
            expected="a whole number of pixels from 1, or a range from the smaller to the larger",
            found=repr(radius),
            fix="pass a radius such as 5, or a range such as 5-10; for no noise pass alpha 0",
        )
    return int(ends[0]), int(ends[1])


def check_mask(mask: np.ndarray[Any, Any]) -> None:
    """Refuse what is no mask of class indices.

    Raises:
        DataError: not uint8, not two- or three-dimensional, or without a pixel.
    """
    if mask.dtype != np.uint8 or mask.ndim not in (2, 3) or mask.size == 0:
        raise DataError(
            "this is not a mask that can be corrupted",
            expected="uint8 class indices, 255 = ignore, shape (H, W) or (D, H, W)",
            found=f"{mask.dtype}, shape {mask.shape}",
            fix="turn the mask's values into class indices first",
        )


def classes_of(
    mask: Mask, classes: Collection[int] | None, radius: Radius | Mapping[int, Radius]
) -> dict[int, tuple[int, int]]:
    """Class -> range of radii, for each class that gets noise, in ascending order.

    Raises:
        ConfigError: a class that can't be one, or a radius that is lacking or can't be used.
    """
    if classes is None:
        found = (int(label) for label in np.flatnonzero(np.bincount(mask.ravel(), minlength=256)))
        classes = [label for label in found if label not in (0, IGNORE)]
    wrong = [c for c in classes if not isinstance(c, int | np.integer) or not 1 <= c <= MAX_CLASSES]
    if wrong:
        raise ConfigError(
            "noise can't be put into this class",
            expected=f"1 to {MAX_CLASSES}; the background changes with the other classes",
            found=repr(wrong[0]),
            fix="leave it out of the classes",
        )
    if not isinstance(radius, Mapping):
        bounds = check_radius(radius)
        return {int(label): bounds for label in sorted(set(classes))}
    lacking = sorted(set(classes) - set(radius))
    if lacking:
        raise ConfigError(
            "a class has no radius",
            expected="a radius for each class that gets noise",
            found=f"none for class {lacking[0]}",
            fix="add it, or leave the class out of the classes",
        )
    return {int(label): check_radius(radius[label]) for label in sorted(set(classes))}
