"""The image of a case as an array with its channels first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.segmentation.cases.case import Case
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.nifti import nifti_shape, read_nifti
from mixednoise.segmentation.cases.rasters import read_raster
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

Array = np.ndarray[Any, Any]

#: An axis of an .npy image is taken for its channels when it is no longer than this.
_MOST_CHANNELS = 4
#: Darkest and brightest values of an image that are clipped for people, per cent; and of how many
#: values they are the limits.
_CLIPPED = (0.5, 99.5)
_LOOKED_AT = 2_000_000


@dataclass(frozen=True)
class Picture:
    """An image as stored, channels first.

    Attributes:
        array: uint8 (C, *S) where all files hold uint8, else float32 with the values as stored
            (0 to 65535 for 16 bits, Hounsfield units for CT); all finite. S is (H, W) or (D, H, W);
            of a NIfTI file (Y, X) or (Z, Y, X).
        spacing: mm along each axis of S, or None where the format has none.
        affine: float64 (4, 4) of a NIfTI file, from its voxel (x, y, z) to mm; else None.
    """

    array: Array
    spacing: tuple[float, ...] | None = None
    affine: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """S."""
        return tuple(self.array.shape[1:])


def read_image(case: Case) -> Picture:
    """Read all channels of a case.

    PNG, JPEG, TIFF and BMP: grey is one channel, colour three (RGB); alpha is left out. NIfTI:
    see :mod:`.nifti`. An ``.npy`` file is (*S), (C, *S) or (*S, C), where S is the shape of the
    case's mask when that can be told, else: an axis of at most 4, the last one first, is C.

    Raises:
        UnreadableCaseError: a file can't be read, holds NaN or infinity, or its size differs from
            that of another channel.
    """
    pictures = [read_image_file_of(case, path) for path in case.images]
    for path, picture in zip(case.images, pictures, strict=True):
        if picture.shape != pictures[0].shape:
            raise UnreadableCaseError(
                f"{size_text(picture.shape)}, but {case.images[0].name}, another channel of it, "
                f"is {size_text(pictures[0].shape)}",
                path,
            )
    first = pictures[0]
    if len(pictures) == 1:
        return first
    arrays = [picture.array for picture in pictures]
    # np.concatenate of uint8 and float32 is float32.
    return Picture(np.concatenate(arrays), first.spacing, first.affine)


def read_channels(path: Path, shape: tuple[int, ...] | None = None) -> Picture:
    """Read one image file.

    Args:
        path: the file.
        shape: S, where it is known: decides which axis of an ``.npy`` file is C.

    Raises:
        UnreadableCaseError: it can't be read or holds NaN or infinity.
    """
    ending = ending_of(path)
    if ending in NIFTI_ENDINGS:
        volume = read_nifti(path)
        return Picture(_uint8_or_float(volume.array, path), volume.spacing, volume.affine)
    if ending == ".npy":
        return Picture(_uint8_or_float(_channels_first(read_npy(path), shape, path), path))
    pixels = read_raster(path)
    array = pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return Picture(_uint8_or_float(array, path))


def read_npy(path: Path) -> Array:
    """Read an array of numbers.

    Raises:
        UnreadableCaseError: no such file, damaged, or no plain numbers.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UnreadableCaseError("file not found", path) from error
    except (ValueError, EOFError) as error:
        raise UnreadableCaseError("no .npy file, or a damaged one", path) from error
    except OSError as error:
        raise UnreadableCaseError(
            (error.strerror or str(error)).lower(), path, retry=True
        ) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or array.size == 0:
        raise UnreadableCaseError("no array of numbers", path)
    return array


def as_rgb(array: Array) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture for people: colours of 8 bits as they are, all else stretched, in grey.

    Args:
        array: (C, *S) as :class:`Picture` has it.

    Returns:
        uint8 (*S, 3) RGB; of other than three channels the first is shown.
    """
    if len(array) == 3 and array.dtype == np.uint8:
        return np.ascontiguousarray(np.moveaxis(array, 0, -1))
    grey = np.asarray(array[0], np.float32)
    some = grey.ravel()[:: max(1, grey.size // _LOOKED_AT)]
    low, high = np.percentile(some, _CLIPPED)
    span = high - low if high > low else 1.0
    levels = np.rint(np.clip((grey - low) / span, 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=-1)


def size_text(shape: tuple[int, ...]) -> str:
    """``512 x 512`` in the order of the axes of S: (D,) H, W."""
    return " x ".join(map(str, shape))


def bytes_of(case: Case) -> int:
    """About how much memory the image and masks of a case take; 0 where files guard themselves."""
    total = 0
    masks = [mask for mask in (case.mask, case.truth) if mask is not None]
    for path in (*case.images, *(path for mask in masks for path in mask.paths)):
        try:
            if ending_of(path) in NIFTI_ENDINGS:
                total += 4 * int(np.prod(nifti_shape(path)))
            elif ending_of(path) == ".npy":
                total += path.stat().st_size
        except (UnreadableCaseError, OSError):
            continue
    return total


def read_image_file_of(case: Case, path: Path) -> Picture:
    """Read one of the image files of a case; errors as :func:`read_channels`."""
    return read_channels(path, _mask_shape(case) if ending_of(path) == ".npy" else None)


def _mask_shape(case: Case) -> tuple[int, ...] | None:
    """S as the mask has it, where a header tells."""
    mask = case.mask or case.truth
    if mask is None:
        return None
    path = mask.paths[0]
    try:
        if ending_of(path) in NIFTI_ENDINGS:
            return nifti_shape(path)[1:]
        if ending_of(path) == ".npy":
            return tuple(np.load(path, mmap_mode="r", allow_pickle=False).shape)
        return tuple(read_raster(path, as_mask=True).shape)
    except (UnreadableCaseError, OSError, ValueError, EOFError):
        return None


def _channels_first(array: Array, shape: tuple[int, ...] | None, path: Path) -> Array:
    axes = array.ndim
    if shape is not None:
        for spatial, channels in (
            (array.shape, None),
            (array.shape[1:], 0),
            (array.shape[:-1], -1),
        ):
            if tuple(spatial) == shape:
                return array[None] if channels is None else np.moveaxis(array, channels, 0)
    if axes == 2:
        return array[None]
    if axes in (3, 4):
        if array.shape[-1] <= _MOST_CHANNELS:
            return np.moveaxis(array, -1, 0)
        if array.shape[0] <= _MOST_CHANNELS:
            return array
        if axes == 3:
            return array[None]
    raise UnreadableCaseError(f"an array of shape {array.shape}, no image", path)


def _uint8_or_float(array: Array, path: Path) -> Array:
    if array.dtype in (np.uint8, np.bool_):
        return np.ascontiguousarray(array, np.uint8)
    result = np.ascontiguousarray(array, np.float32)
    if array.dtype.kind == "f":
        wrong = result.size - int(np.count_nonzero(np.isfinite(result)))
        if wrong:
            raise UnreadableCaseError(f"{wrong:,} values are NaN or infinite", path)
    return result
