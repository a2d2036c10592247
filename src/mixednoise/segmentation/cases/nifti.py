"""NIfTI files: read without reorienting, written back onto the grid they came from.

A file's axes are (X, Y, Z). Arrays in memory have them in reverse, (Z, Y, X) = (D, H, W), which
is the same bytes in the same order; a file with one slice, (X, Y, 1) or (X, Y), is (H, W). Nothing
is flipped or permuted by the affine: what is written lies where the file's voxels lie.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError

from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

Array = np.ndarray[Any, Any]

_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, ValueError, ImageFileError)


@dataclass(frozen=True)
class Volume:
    """A NIfTI file in memory.

    Attributes:
        array: (C, *S), any number type, its scale factors applied.
        affine: float64 (4, 4), from voxel (x, y, z) of the file to millimetres.
        spacing: mm between neighbours along each axis of S.
    """

    array: Array
    affine: Array
    spacing: tuple[float, ...]


def read_nifti(path: Path) -> Volume:
    """Read a file of 2 or 3 axes, or of 4 (5) with the channels last.

    Raises:
        UnreadableCaseError: damaged, truncated, or of other axes.
    """
    image = _load(path)
    axes = file_axes(image.shape)
    if axes is None:
        raise UnreadableCaseError(f"{len(image.shape)} axes: {_times(image.shape)}", path)
    try:
        stored = np.asanyarray(image.dataobj)
    except MemoryError as error:
        raise UnreadableCaseError("not enough memory to read it", path, retry=True) from error
    except (*_DAMAGED, OSError) as error:
        raise UnreadableCaseError("truncated or damaged NIfTI file", path) from error
    if stored.dtype.kind not in "biuf":
        raise UnreadableCaseError(f"values of type {stored.dtype}, no plain numbers", path)
    spatial, channels = axes
    array = np.ascontiguousarray(stored.reshape((*spatial, channels), order="F").T)
    zooms = [float(zoom) for zoom in image.header.get_zooms()[: len(spatial)]]
    return Volume(array, np.asarray(image.affine, np.float64), tuple(reversed(zooms)))


def nifti_shape(path: Path) -> tuple[int, ...]:
    """(C, *S) from the header alone; errors as :func:`nifti_grid`."""
    return nifti_grid(path)[0]


def nifti_grid(path: Path) -> tuple[tuple[int, ...], Array]:
    """(C, *S) and the affine, float64 (4, 4), from the header alone.

    Raises:
        UnreadableCaseError: as :func:`read_nifti`, as far as the header tells.
    """
    image = _load(path)
    axes = file_axes(image.shape)
    if axes is None:
        raise UnreadableCaseError(f"{len(image.shape)} axes: {_times(image.shape)}", path)
    return (axes[1], *reversed(axes[0])), np.asarray(image.affine, np.float64)


def encode_like(template: Path, array: Array, *, compressed: bool) -> bytes:
    """The bytes of a NIfTI file with another file's grid, affine, units and description.

    Args:
        template: a NIfTI file whose S the array has.
        array: (*S), or (K, *S), which becomes a file with K last: (X, Y, Z, K).
        compressed: as in ``.nii.gz``; equal arrays make equal bytes.

    Raises:
        UnreadableCaseError: the template can't be read.
    """
    image = _load(template)
    axes = file_axes(image.shape)
    if axes is None:
        raise UnreadableCaseError(f"{len(image.shape)} axes: {_times(image.shape)}", template)
    spatial = tuple(image.shape if axes[1] == 1 else image.shape[:3])
    if array.ndim > len(axes[0]):
        spatial = (*(*spatial, 1)[:3], array.shape[0])
    data = array.T.reshape(spatial, order="F")
    header = image.header.copy()
    header.set_data_dtype(data.dtype)
    header.set_data_shape(data.shape)
    header.set_slope_inter(1, 0)
    header["cal_min"] = header["cal_max"] = 0  # a display range of other values
    content: bytes = type(image)(data, image.affine, header).to_bytes()
    return gzip.compress(content, 6, mtime=0) if compressed else content


def encode_new(array: Array, *, compressed: bool = True) -> bytes:
    """The bytes of a NIfTI file of an array that has no grid: voxels of 1 mm at the origin."""
    image = nib.Nifti1Image(np.ascontiguousarray(array).T, np.eye(4))
    content: bytes = image.to_bytes()
    return gzip.compress(content, 6, mtime=0) if compressed else content


def file_axes(shape: tuple[int, ...]) -> tuple[tuple[int, ...], int] | None:
    """((X, Y) or (X, Y, Z), C) of a file's shape, or None where it is no image of channels."""
    if not 2 <= len(shape) <= 5 or (len(shape) == 5 and shape[3] != 1) or 0 in shape:
        return None
    spatial = shape[:3]
    if len(spatial) == 3 and spatial[2] == 1:
        spatial = spatial[:2]
    return tuple(spatial), int(shape[-1]) if len(shape) > 3 else 1


def _load(path: Path) -> Any:
    try:
        image = nib.load(path)
    except FileNotFoundError as error:
        raise UnreadableCaseError("file not found", path) from error
    except _DAMAGED as error:
        raise UnreadableCaseError("no NIfTI file, or a damaged one", path) from error
    except OSError as error:
        raise UnreadableCaseError(
            (error.strerror or str(error)).lower(), path, retry=True
        ) from error
    if not isinstance(image, nib.Nifti1Image):  # Nifti2Image is one too
        raise UnreadableCaseError("no NIfTI file", path)
    return image


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
