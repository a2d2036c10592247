"""Where masks and probabilities come from: a protocol, and arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mixednoise.data.report import counted
from mixednoise.errors import DataError
from mixednoise.segmentation.judges import Judges, judges_in_order
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES, Mask, Probabilities
from mixednoise.segmentation.probability_checks import wrong_values

Array = np.ndarray[Any, Any]


class ProbabilitySource(Protocol):
    """Images one at a time; each may be read several times and have a size of its own.

    A source that knows which of several models judged each image has ``judges``, their numbers in
    the order of the images (:func:`~mixednoise.segmentation.judges.judges_of`).
    """

    @property
    def names(self) -> Sequence[str]:
        """Unique, in the order of the images."""
        ...

    @property
    def num_classes(self) -> int:
        """K, at least 2."""
        ...

    def __len__(self) -> int: ...

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image.

        Returns:
            uint8 classes (H, W) or (D, H, W), 255 = pixels to leave out; floating-point
            probabilities (K, ...) that sum to 1 over axis 0.

        Raises:
            UnreadableCaseError: the file is damaged; the image is set aside.
            DataError: its content is wrong; the search stops.
        """
        ...


class ArraySource:
    """Masks and probabilities in memory (or memory-mapped).

    Args:
        masks: (N, H, W) or (N, D, H, W) integers, or N arrays of sizes of their own.
        probabilities: (N, K, ...) floating point, or N arrays.
        names: of the images; None = ``0``, ``1``, ...
        ignore_label: mask value of pixels to leave out; None = every value is a class.
        judges: (N,) the model that judged each image, text or numbers; None = not known, or one
            judged all.

    Attributes:
        names: of the images.
        num_classes: K.
        judges, models: see :class:`~mixednoise.segmentation.judges.Judges`.

    Raises:
        DataError: shapes or kinds of numbers that don't fit, or not one judge per image.
    """

    def __init__(
        self,
        masks: Array | Sequence[Array],
        probabilities: Array | Sequence[Array],
        *,
        names: Sequence[str] | None = None,
        ignore_label: int | None = IGNORE,
        judges: Sequence[Any] | Array | None = None,
    ) -> None:
        if len(masks) != len(probabilities) or len(masks) == 0:
            raise DataError(
                "masks and probabilities don't belong together",
                expected="one array of probabilities per mask, and at least one mask",
                found=f"{counted(len(masks), 'mask')}, {len(probabilities)} of probabilities",
                fix="pass masks (N, H, W) and probabilities (N, K, H, W)",
            )
        self._masks, self._probabilities, self._ignore = masks, probabilities, ignore_label
        self.names = [str(i) for i in range(len(masks))] if names is None else list(names)
        if len(set(self.names)) != len(masks):
            raise DataError(
                "the names don't belong to the masks",
                expected=f"{len(masks)} different names",
                found=f"{len(self.names)} names, {len(set(self.names))} of them different",
                fix="pass one name per mask",
            )
        self.judges, self.models = (
            Judges() if judges is None else judges_in_order(list(judges), len(masks))
        )
        first = np.asarray(probabilities[0])
        self.num_classes = first.shape[0] if first.ndim else 0
        # One array has one shape; only lists need to be looked through.
        together = isinstance(masks, np.ndarray) and isinstance(probabilities, np.ndarray)
        for index in range(1 if together else len(masks)):
            mask, mine = np.asarray(masks[index]), np.asarray(probabilities[index])
            check_shapes(self.names[index], mask, mine, self.num_classes)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image, see :class:`ProbabilitySource`; probabilities are not copied."""
        mask = as_classes(
            self.names[index], np.asarray(self._masks[index]), self.num_classes, self._ignore
        )
        return mask, np.asarray(self._probabilities[index])


def as_classes(name: str, mask: Array, num_classes: int, ignore_label: int | None) -> Mask:
    """A mask of any integers as uint8 classes, with 255 where ``ignore_label`` was.

    Raises:
        DataError: a value is neither a class nor the ignore label, or no whole number.
    """
    if mask.dtype == np.uint8 and (
        ignore_label == IGNORE or (ignore_label is None and mask.max(initial=0) < num_classes)
    ):
        return mask
    if mask.dtype.kind not in "biu":
        raise DataError(
            f"the mask of {name} has no whole numbers",
            expected="integers: one class per pixel",
            found=f"dtype {mask.dtype}",
            fix="convert it with .astype(numpy.uint8)",
        )
    left_out = None if ignore_label is None else mask == ignore_label
    wrong = (mask < 0) | (mask >= num_classes) if mask.dtype != bool else np.zeros(1, bool)
    if wrong.any():
        if left_out is not None:
            wrong &= ~left_out
        if wrong.any():
            raise wrong_values(name, np.unique(mask[wrong]), num_classes)
    classes = mask.astype(np.uint8)
    if left_out is not None:
        classes[left_out] = IGNORE
    return classes


def check_shapes(name: str, mask: Array, probabilities: Array, num_classes: int) -> None:
    """Refuse shapes or dtypes that don't belong together, see :func:`shape_problem`."""
    found = shape_problem(mask.shape, probabilities.shape, probabilities.dtype, num_classes)
    if found is not None:
        what, fix = found
        raise DataError(
            f"mask and probabilities of {name} don't fit: {what}",
            expected=f"mask (H, W) or (D, H, W), floating-point probabilities ({num_classes}, ...)",
            found=f"mask {mask.shape}, probabilities {probabilities.shape} {probabilities.dtype}",
            fix=fix,
        )


def shape_problem(
    mask: tuple[int, ...], probabilities: tuple[int, ...], dtype: np.dtype[Any], num_classes: int
) -> tuple[str, str] | None:
    """What is wrong with the shapes of one image, and what to do; None = nothing.

    Args:
        mask: shape.
        probabilities: shape.
        dtype: of the probabilities.
        num_classes: K, as in the other images.
    """
    if len(mask) not in (2, 3):
        return f"a mask with {len(mask)} axes", "save masks as (H, W) or (D, H, W)"
    if probabilities == mask:
        return (
            "one plane of probabilities without an axis for the classes",
            "save both classes: numpy.stack([1 - p, p])",
        )
    if probabilities[1:] != mask:
        if probabilities[:-1] == mask:
            return "the classes are on the last axis", "save numpy.moveaxis(p, -1, 0)"
        if sorted(probabilities[1:]) == sorted(mask):
            return "transposed: rows and columns are exchanged", "save both in the same orientation"
        return "different sizes", "resize the probabilities to the size of the mask"
    if probabilities[0] == 1:
        return "one class only", "save both classes: numpy.concatenate([1 - p, p])"
    if not 2 <= probabilities[0] <= MAX_CLASSES:
        return f"{probabilities[0]} classes", f"save probabilities of 2 to {MAX_CLASSES} classes"
    if probabilities[0] != num_classes:
        return (
            f"{probabilities[0]} classes where others have {num_classes}",
            "predict all images with the same classes",
        )
    if dtype.kind != "f" or dtype.itemsize > 8:
        return f"probabilities as {dtype}", "save them as float16, float32 or float64"
    return None
