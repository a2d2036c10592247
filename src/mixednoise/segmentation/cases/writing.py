"""Writing masks and maps in the format, and onto the grid, of the mask they belong to."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mixednoise.errors import DataError
from mixednoise.io import atomic_write
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.formats import LOSSY_ENDINGS, NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.nifti import encode_like, encode_new
from mixednoise.segmentation.labels import IGNORE

Array = np.ndarray[Any, Any]


def write_like(
    case_set: CaseSet,
    case: Case,
    array: Array,
    stem_path: Path | str,
    *,
    values: Sequence[int] | None = None,
) -> Path:
    """Write a mask or an error map as the case's own mask is stored.

    Args:
        case_set: says which value each class has in the files.
        case: its mask (or image, where it has none) gives format, and for NIfTI grid, affine and
            header; a JPEG image gives PNG.
        array: uint8 (*S) of class indices (IGNORE allowed where the files have a value for it),
            or bool (*S).
        stem_path: where to write, without the ending.
        values: what to store for index 0, 1, ...; None = the classes' own values, and 0 and 255
            for bool.

    Returns:
        The path that was written, with its ending.

    Raises:
        DataError: an index without a value, or a shape that is not the NIfTI file's.
        TrainingError: the disk is full or can't be written to.
    """
    template = _template(case)
    stored = to_stored(case_set, array, values)
    ending = template_ending(case)
    path = Path(stem_path)
    path = path.with_name(path.name + ending)
    write_bytes(path, encode(stored, ending, template))
    return path


def to_stored(case_set: CaseSet, array: Array, values: Sequence[int] | None = None) -> Array:
    """Class indices (or a bool map) as the values that go into a file; see :func:`write_like`.

    Returns:
        uint8 (*S), or uint16 or int32 where a value needs it.
    """
    if array.dtype == np.bool_:
        array, values = array.astype(np.uint8), (0, 255) if values is None else values
    used = np.flatnonzero(np.bincount(array.ravel(), minlength=1)).tolist()
    table = np.zeros(256, np.int64)
    for index in used:
        if values is None and (index == IGNORE or index < case_set.num_classes):
            table[index] = case_set.stored_value(index)
        elif values is not None and index < len(values):
            table[index] = values[index]
        else:
            raise DataError(
                "a mask to be written has an index that is no class",
                expected=f"0 to {len(case_set.label_values if values is None else values) - 1}",
                found=f"{index} in {np.count_nonzero(array == index):,} pixels",
                fix="write class indices only",
            )
    least, most = int(table.min()), int(table.max())
    fitting: Any = np.uint8 if least >= 0 and most < 256 else np.int32
    if least >= 0 and 256 <= most < 65536:
        fitting = np.uint16
    return table.astype(fitting)[array]


def template_ending(case: Case) -> str:
    """The ending with which masks of this case are written."""
    ending = ending_of(_template(case))
    return ".png" if ending in LOSSY_ENDINGS else ending


def encode(array: Array, ending: str, template: Path | None = None) -> bytes:
    """The bytes of a file.

    Args:
        array: (*S); for NIfTI and npy also (K, *S).
        ending: of the format.
        template: for NIfTI, the file whose grid it is; None = voxels of 1 mm.

    Raises:
        DataError: the format can't hold the array.
    """
    if ending in NIFTI_ENDINGS:
        compressed = ending == ".nii.gz"
        if template is None or ending_of(template) not in NIFTI_ENDINGS:
            return encode_new(array, compressed=compressed)
        try:
            return encode_like(template, array, compressed=compressed)
        except ValueError as error:
            raise _unsuitable(array, ending, f"{template} has another size") from error
    if ending == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        return buffer.getvalue()
    if array.ndim != 2 + (array.ndim == 3 and array.shape[-1] == 3):
        raise _unsuitable(array, ending, "one image per file")
    if array.dtype == np.int32 or (array.dtype != np.uint8 and ending == ".bmp"):
        raise _unsuitable(array, ending, "values of 0 to 255")
    pixels = array[..., ::-1] if array.ndim == 3 else array
    done, encoded = cv2.imencode(ending, np.ascontiguousarray(pixels))
    if not done:
        raise _unsuitable(array, ending, "what the format can hold")
    return encoded.tobytes()


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def _template(case: Case) -> Path:
    if case.mask is not None:
        return case.mask.paths[0]
    return case.images[0]


def _unsuitable(array: Array, ending: str, expected: str) -> DataError:
    return DataError(
        f"an array can't be stored as {ending}",
        expected=expected,
        found=f"{array.dtype} of shape {array.shape}",
        fix="use NIfTI or npy for volumes, and label values from 0 to 255",
    )
