"""Masks and probabilities whose values can't be what they are said to be."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.data.report import examples
from mixednoise.errors import DataError
from mixednoise.segmentation.labels import IGNORE, Mask
from mixednoise.segmentation.pixel_blocks import BLOCK_VALUES

Array = np.ndarray[Any, Any]

#: How far probabilities may be from summing to 1; half precision is coarser.
SUM_TOLERANCE = 1e-3
SUM_TOLERANCE_HALF = 1e-2
#: Interpolated probabilities may be this far below 0.
NEGATIVE_TOLERANCE = 1e-6


def check_mask(name: str, mask: Mask, num_classes: int) -> None:
    """Refuse values that are no class.

    Raises:
        DataError: names the image and the values.
    """
    if mask.size == 0:
        raise DataError(
            f"the mask of {name} is empty",
            expected="at least one pixel",
            found=f"shape {mask.shape}",
            fix="leave the image out",
        )
    if mask.max() < num_classes:
        return
    values = np.unique(mask)
    wrong = values[(values >= num_classes) & (values != IGNORE)]
    if wrong.size:
        raise wrong_values(name, wrong, num_classes)


def wrong_values(name: str, values: Array, num_classes: int) -> DataError:
    """The error for mask values that no class has."""
    fix = "give the probabilities of all classes, or renumber the mask"
    if IGNORE in values:
        fix += f"; if {IGNORE} marks pixels to leave out, say --ignore-value {IGNORE} (Python: "
        fix += "ignore_label)"
    return DataError(
        f"the mask of {name} holds values that no class has",
        expected=f"0 to {num_classes - 1}, since the probabilities have {num_classes} classes",
        found=examples(values.tolist(), limit=8),
        fix=fix,
    )


def check_probabilities(name: str, probabilities: Array) -> None:
    """Refuse what is no probability: NaN, negative, sums other than 1, logits.

    Args:
        name: of the image, for the message.
        probabilities: (K, n) floating point.

    Raises:
        DataError: says which of these it is, and what to do.
    """
    half = probabilities.dtype == np.float16
    tolerance = SUM_TOLERANCE_HALF if half else SUM_TOLERANCE
    size = max(BLOCK_VALUES // len(probabilities), 1 << 12)
    for start in range(0, probabilities.shape[1], size):
        block = probabilities[:, start : start + size]
        if half:
            block = block.astype(np.float32)
        total = block[0] + block[1]
        for of_class in block[2:]:
            total += of_class
        lowest = min(of_class.min() for of_class in block)
        # Comparisons with NaN are false, so NaN fails here too.
        fine = total.min() >= 1 - tolerance and total.max() <= 1 + tolerance
        if not (fine and lowest >= -NEGATIVE_TOLERANCE):
            raise _diagnosis(name, probabilities, tolerance)


def _diagnosis(name: str, probabilities: Array, tolerance: float) -> DataError:
    values = probabilities.astype(np.float64)
    expected = "numbers from 0 to 1 that sum to 1 over the classes, for every pixel"
    broken = int((~np.isfinite(values)).any(axis=0).sum())
    if broken:
        return DataError(
            f"the probabilities of {name} hold NaN or infinity",
            expected=expected,
            found=f"{broken:,} of {values.shape[1]:,} pixels",
            fix="predict this image again",
        )
    low, high = values.min(), values.max()
    sums = values.sum(axis=0)
    found = (
        f"values from {low:.4g} to {high:.4g}, sums over the classes from {sums.min():.4g} to "
        f"{sums.max():.4g}"
    )
    logarithms = high <= tolerance and np.abs(np.exp(values).sum(axis=0) - 1).max() <= tolerance
    if logarithms:
        what, fix = "are logarithms of probabilities", "save exp of them"
    elif low < -0.05 or high > 1.05:
        what = "look like logits: numbers before the softmax"
        fix = "save softmax(logits) over the class axis"
        if low >= 0 and high <= 255 and np.array_equal(values, np.rint(values)):
            what, fix = (
                "look like whole numbers, not shares",
                "divide by their sum over the classes",
            )
    elif low < -NEGATIVE_TOLERANCE:
        what = "are negative somewhere"
        fix = "set negative values to 0 and divide by the sum over the classes"
    else:
        what = "don't sum to 1 over the classes"
        fix = (
            "sigmoid outputs of overlapping classes: search each class by itself with the two "
            "planes 1 - p and p; otherwise divide by the sum over the classes"
        )
    return DataError(f"the probabilities of {name} {what}", expected=expected, found=found, fix=fix)
