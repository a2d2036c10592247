"""Masks: from the values in their files to class indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.cases.case import Case, CaseSet, MaskFiles
from mixednoise.segmentation.cases.formats import LOSSY_ENDINGS, NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.nifti import read_nifti
from mixednoise.segmentation.cases.picture import read_npy, size_text
from mixednoise.segmentation.cases.rasters import read_raster
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.labels import IGNORE, Mask

Array = np.ndarray[Any, Any]
Which = Literal["mask", "truth"]

#: Index of a value that no class has: never a class, of which there are at most 254.
UNKNOWN = 254


@dataclass(frozen=True)
class MaskReading:
    """A mask, and what is odd about it.

    Attributes:
        index: uint8 (*S), class index or IGNORE; UNKNOWN where ``unknown`` says so.
        affine: of a NIfTI mask, else None.
        unknown: (file, value, number of pixels) of values that no class has.
        overlap: pixels that the files of two or more classes claim; the later class has them.
        class_affines: (file, affine) of every NIfTI file of a class; () of a label map.
    """

    index: Mask
    affine: Array | None = None
    unknown: tuple[tuple[Path, float, int], ...] = field(default=())
    overlap: int = 0
    class_affines: tuple[tuple[Path, Array], ...] = ()


def read_mask(case_set: CaseSet, case: Case, which: Which = "mask") -> Mask:
    """Read a mask of a case.

    Returns:
        uint8 (*S), class index 0..K-1, :data:`.labels.IGNORE` where nobody has labelled. Where
        files of several classes claim a pixel, the class that is later in ``class_names`` has it.

    Raises:
        UnreadableCaseError: a file can't be read.
        DataError: the case has no such mask, or it has values that no class has.
    """
    reading = read_mask_files(case_set, mask_files(case, which))
    if reading.unknown:
        path, value, pixels = reading.unknown[0]
        raise DataError(
            f"{path} has values that no class has",
            expected=expected_values(case_set),
            found=f"{value:g} in {counted(pixels, 'pixel')}",
            fix="correct the mask, or the values that were told for the classes (of nnU-Net: "
            "labels in dataset.json)",
        )
    return reading.index


def mask_files(case: Case, which: Which = "mask") -> MaskFiles:
    """The files of a mask.

    Raises:
        DataError: the case has none.
    """
    files = case.mask if which == "mask" else case.truth
    if files is None:
        raise DataError(
            f"case {case.name} has no {'mask' if which == 'mask' else 'true mask'}",
            expected="a mask for each image",
            found="none",
            fix="add the file, or leave the case out",
        )
    return files


def read_mask_files(case_set: CaseSet, files: MaskFiles) -> MaskReading:
    """Read a mask whatever its values are; what no class has is told, not raised.

    Raises:
        UnreadableCaseError: a file can't be read, or two files differ in size.
    """
    if files.label_map is not None:
        raw, affine = read_values(files.label_map)
        index, unknown = to_index(raw, case_set.label_values, case_set.ignore_value)
        strange = [(files.label_map, value, pixels) for value, pixels in unknown]
        return MaskReading(index, affine, tuple(strange))
    return _read_classes(case_set, files)


def read_values(path: Path) -> tuple[Array, Array | None]:
    """The values of one mask file, and its affine where it has one.

    Returns:
        Integers (*S) as stored, and float64 (4, 4) or None.

    Raises:
        UnreadableCaseError: it can't be read, has channels, or holds values that are no whole
            numbers.
    """
    ending, affine = ending_of(path), None
    if ending in LOSSY_ENDINGS:
        raise UnreadableCaseError("a JPEG: its compression changes the values of a mask", path)
    if ending in NIFTI_ENDINGS:
        volume = read_nifti(path)
        if len(volume.array) > 1:
            raise UnreadableCaseError(f"{len(volume.array)} channels; a mask has one", path)
        raw, affine = volume.array[0], volume.affine
    elif ending == ".npy":
        raw = read_npy(path)
        if raw.ndim not in (2, 3):
            raise UnreadableCaseError(f"an array of shape {raw.shape}, no mask", path)
    else:
        raw = read_raster(path, as_mask=True)
    if raw.dtype == np.bool_:
        raw = raw.astype(np.uint8)
    elif raw.dtype.kind == "f":
        whole = np.rint(raw)
        if not np.isfinite(raw).all() or np.abs(whole - raw).max() > 1e-3:
            raise UnreadableCaseError("values that are no whole numbers: no mask", path)
        raw = whole.astype(np.int64)
    return raw, affine


def count_values(raw: Array) -> dict[int, int]:
    """How many pixels have each value."""
    if raw.dtype == np.uint8:
        counts = np.bincount(raw.ravel(), minlength=1)
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, numbers = np.unique(raw, return_counts=True)
    return dict(zip(values.tolist(), numbers.tolist(), strict=True))


def to_index(
    raw: Array, label_values: Sequence[int], ignore_value: int | None
) -> tuple[Mask, list[tuple[int, int]]]:
    """Translate values into class indices.

    Args:
        raw: integers (*S).
        label_values: the value of each class.
        ignore_value: the value of pixels to ignore, or None.

    Returns:
        uint8 (*S), and (value, number of pixels) of every value that no class has.
    """
    meaning = {value: index for index, value in enumerate(label_values)}
    if ignore_value is not None:
        meaning[ignore_value] = IGNORE
    if raw.dtype in (np.uint8, np.uint16):
        table = np.full(np.iinfo(raw.dtype).max + 1, UNKNOWN, np.uint8)
        for value, index in meaning.items():
            if 0 <= value < len(table):
                table[value] = index
        result = table[raw]
    else:
        values, inverse = np.unique(raw, return_inverse=True)
        known = [meaning.get(int(value), UNKNOWN) for value in values]
        result = np.array(known, np.uint8)[inverse].reshape(raw.shape)
    strange = raw[result == UNKNOWN]
    return result, list(count_values(strange).items()) if strange.size else []


def _read_classes(case_set: CaseSet, files: MaskFiles) -> MaskReading:
    result: Mask | None = None
    affine, overlap = None, 0
    unknown: list[tuple[Path, float, int]] = []
    affines: list[tuple[Path, Array]] = []
    paths = dict(files.classes)
    for index, name in enumerate(case_set.class_names):
        if index == 0 or name not in paths:
            continue
        raw, own_affine = read_values(paths[name])
        if own_affine is not None:
            affines.append((paths[name], own_affine))
        if result is None:
            result, affine = np.zeros(raw.shape, np.uint8), own_affine
            ignored = np.zeros(raw.shape, bool)
            claimed = np.zeros(raw.shape, bool)
        if raw.shape != result.shape:
            raise UnreadableCaseError(
                f"{size_text(raw.shape)}, but the mask of another class is "
                f"{size_text(result.shape)}",
                paths[name],
            )
        counts = count_values(raw)
        counts.pop(0, None)
        if case_set.ignore_value is not None and counts.pop(case_set.ignore_value, 0):
            ignored |= raw == case_set.ignore_value
            raw = np.where(ignored, 0, raw)
        # One value other than 0 is the class, whichever it is; of several, the commonest is.
        usual = max(counts, key=lambda value: (counts[value], value), default=0)
        unknown += [(paths[name], value, n) for value, n in counts.items() if value != usual]
        inside = raw != 0
        overlap += int(np.count_nonzero((result != 0) & inside & ~claimed))
        claimed |= (result != 0) & inside
        result[inside] = index
    if result is None:
        raise UnreadableCaseError(
            f"no file of a class that is asked for: {examples(paths)}", files.paths[0]
        )
    result[ignored] = IGNORE
    return MaskReading(result, affine, tuple(unknown), overlap, tuple(affines))


def expected_values(case_set: CaseSet) -> str:
    """Which values masks may have, in words."""
    if case_set.layout == "class_files":
        return "0 outside of the class and one other value inside"
    told = [
        f"{value} ({name})"
        for value, name in zip(case_set.label_values, case_set.class_names, strict=True)
    ]
    if case_set.ignore_value is not None:
        told.append(f"{case_set.ignore_value} (to ignore)")
    return examples(told, 12)
