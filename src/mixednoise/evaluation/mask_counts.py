"""Pixels of two masks counted against each other, and Dice from the counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mixednoise.data.report import examples
from mixednoise.errors import DataError
from mixednoise.evaluation.mask_surface import EmptyRule, check_rules
from mixednoise.evaluation.ranking import Floats, divide
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES

#: Pixels that are counted at once: bounds the memory at some 30 MB, whatever the volume.
CHUNK = 1 << 22


def dice_scores(
    predicted: ArrayLike, truth: ArrayLike, num_classes: int, *, empty: EmptyRule = "nan"
) -> Floats:
    """Dice of each class of one image: 2 |P & G| / (|P| + |G|).

    Args:
        predicted: class index 0..K-1 (*S).
        truth: class index 0..K-1, or IGNORE: not looked at (*S).
        num_classes: K >= 2.
        empty: where a class is in neither mask: ``nan`` = undefined, ``one`` = perfect.

    Returns:
        float64 (K,) in [0, 1]; entry k is class k, entry 0 the background's.

    Raises:
        DataError: masks that differ in size or hold values that no class has.
        ConfigError: an unknown rule.
    """
    own, other, seen = check_masks(predicted, truth, num_classes)
    return dice_from_counts(mask_confusion(own[seen], other[seen], num_classes), empty=empty)


def dice_from_counts(counts: ArrayLike, *, empty: EmptyRule = "nan") -> Floats:
    """Dice per class from pixel counts (K, K), rows the truth, columns the prediction."""
    check_rules(empty, "nan")
    table = np.asarray(counts, dtype=np.float64)
    dice = divide(2 * np.diagonal(table), table.sum(axis=0) + table.sum(axis=1))
    return np.where(np.isnan(dice), 1.0, dice) if empty == "one" else dice


def mask_confusion(predicted: ArrayLike, truth: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """Pixels per pair of classes, int64 (K, K): row = truth, column = prediction.

    Args:
        predicted: class index 0..K-1, any shape.
        truth: class index 0..K-1, the same shape; no IGNORE.
        num_classes: K.
    """
    own, other = np.ravel(np.asarray(predicted)), np.ravel(np.asarray(truth))
    counts = np.zeros(num_classes**2, dtype=np.int64)
    for first in range(0, len(own), CHUNK):
        cells = other[first : first + CHUNK].astype(np.int64) * num_classes
        cells += own[first : first + CHUNK]
        counts += np.bincount(cells, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def check_masks(
    predicted: ArrayLike, truth: ArrayLike, num_classes: int, *, name: str = ""
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Two masks as uint8, and which pixels are looked at: bool (*S), False where truth is IGNORE.

    Args:
        predicted: whole numbers or bool (*S).
        truth: whole numbers or bool (*S).
        num_classes: K, from 2 to 254.
        name: of the case, for messages.

    Raises:
        DataError: masks that differ in size, or values that no class has in pixels looked at.
    """
    if not 2 <= num_classes <= MAX_CLASSES:
        raise DataError(
            "masks can't have that many classes",
            expected=f"2 to {MAX_CLASSES} classes, the background being one",
            found=str(num_classes),
            fix="pass the number of classes, the background included",
        )
    own, other = np.asarray(predicted), np.asarray(truth)
    where = f" of {name}" if name else ""
    if own.shape != other.shape or own.ndim == 0:
        raise DataError(
            f"the predicted and the true mask{where} differ in size",
            expected=f"two masks of the same shape, here {other.shape}",
            found=f"predicted {own.shape}",
            fix="resample the prediction to the grid of the true mask",
        )
    seen = other != IGNORE
    for mask, kind in ((own, "predicted"), (other, "true")):
        # One pass over plain uint8 masks: the costly search is for those that are wrong.
        fine = mask.dtype.kind == "b" or (
            mask.dtype.kind in "ui"
            and int(mask.max(initial=0, where=seen)) < num_classes
            and int(mask.min(initial=0, where=seen)) >= 0
        )
        if not fine:
            values = np.unique(mask[seen])
            wrong = values[~np.isin(values, np.arange(num_classes))]
            raise DataError(
                f"the {kind} mask{where} holds values that no class has",
                expected=f"whole numbers from 0 to {num_classes - 1}, as an integer type",
                found=f"{mask.dtype}: {examples(wrong) if len(wrong) else 'whole values'}",
                fix="map the values of the masks to class indices first",
            )
    return own.astype(np.uint8, copy=False), other.astype(np.uint8, copy=False), seen
