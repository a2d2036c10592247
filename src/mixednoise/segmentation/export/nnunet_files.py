"""The image and label files of a raw data set for nnU-Net: linked, copied or converted."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mixednoise.errors import DataError
from mixednoise.segmentation.cases.case import Case
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, RASTER_ENDINGS, ending_of
from mixednoise.segmentation.cases.nifti import nifti_shape
from mixednoise.segmentation.cases.picture import read_image, size_text
from mixednoise.segmentation.cases.rasters import read_raster
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.cases.writing import encode, write_bytes
from mixednoise.segmentation.labels import Mask

Array = np.ndarray[Any, Any]

_PNG_HEADER = 26
_NO_COMPRESSION = 1
_PNG_DEPTHS = (8, 16)
#: Colour type in a PNG -> channels, of the types without palette and transparency.
_PNG_COLOURS = {0: 1, 2: 3}


def choose_ending(cases: Sequence[Case]) -> str:
    """The one format of images and labels: it must hold every image without loss.

    ``.nii.gz`` where an image is NIfTI or a volume; ``.tif`` (uncompressed) where a 2-D image is
    TIFF or npy and may hold floating-point values; else ``.png``.
    """
    endings = {ending_of(path) for case in cases for path in case.images}
    if endings & set(NIFTI_ENDINGS):
        return ".nii.gz"
    if ".npy" in endings:
        first = next(c for c in cases if any(ending_of(path) == ".npy" for path in c.images))
        if len(read_image(first).shape) == 3:
            return ".nii.gz"
    return ".tif" if endings & {".npy", ".tif", ".tiff"} else ".png"


class FileWriter:
    """Writes images and labels in one format.

    Args:
        ending: see :func:`choose_ending`.
        link: hard-link files that need no conversion, where the file system can.

    Attributes:
        ending: as given.
    """

    def __init__(self, ending: str, *, link: bool) -> None:
        self.ending, self._link = ending, link

    def write_image(
        self, case: Case, shape: tuple[int, ...] | None, folder: Path
    ) -> tuple[int, bool]:
        """Write ``NAME_0000.ext`` and so on.

        Args:
            case: the case.
            shape: S of its label, which the image must have; None = not known.
            folder: where to.

        Returns:
            The number of channels, and whether they are the colours of one file.

        Raises:
            DataError: an image that can't be read, or of another size.
        """
        if self.ending != ".nii.gz" and all(ending_of(p) in RASTER_ENDINGS for p in case.images):
            return self._write_rasters(case, shape, folder)
        if all(self._is_plain_volume(path) for path in case.images):
            self._check_size(case, nifti_shape(case.images[0])[1:], shape)
            for number, path in enumerate(case.images):
                self._take(path, folder / self._name(case, number))
            return len(case.images), False
        picture = read_image(case)
        self._check_size(case, picture.shape, shape)
        for number, channel in enumerate(picture.array):
            self._write(channel, _grid(case), folder / self._name(case, number))
        return len(picture.array), False

    def write_label(self, case: Case, label: Mask, folder: Path) -> None:
        """Write ``NAME.ext`` on the grid of the image.

        Args:
            case: the case.
            label: uint8 (*S) with the values that go into the file.
            folder: where to.
        """
        self._write(label, _grid(case), folder / f"{case.name}{self.ending}")

    def _write(self, array: Array, grid: Path | None, path: Path) -> None:
        if self.ending == ".tif":
            pixels = array[..., ::-1] if array.ndim == 3 else array
            options = [cv2.IMWRITE_TIFF_COMPRESSION, _NO_COMPRESSION]
            done, encoded = cv2.imencode(".tif", np.ascontiguousarray(pixels), options)
            if not done:
                raise UnreadableCaseError(
                    f"values of type {array.dtype}, which TIFF can't hold", path
                )
            write_bytes(path, encoded.tobytes())
        else:
            write_bytes(path, encode(array, self.ending, grid))

    def _write_rasters(
        self, case: Case, shape: tuple[int, ...] | None, folder: Path
    ) -> tuple[int, bool]:
        """One file stays one file; one in colour counts as three channels."""
        channels = 0
        for number, path in enumerate(case.images):
            target = folder / self._name(case, number)
            plain = _plain_png(path) if self.ending == ".png" else None
            if plain is None:
                pixels = read_raster(path)
                found, colours = tuple(pixels.shape[:2]), 3 if pixels.ndim == 3 else 1
                self._write(pixels, None, target)
            else:
                found, colours = plain
                self._take(path, target)
            self._check_size(case, found, shape)
            channels += colours
        return channels, channels == 3 and len(case.images) == 1

    def _name(self, case: Case, number: int) -> str:
        return f"{case.name}_{number:04d}{self.ending}"

    @staticmethod
    def _is_plain_volume(path: Path) -> bool:
        """Whether a file is NIfTI of one channel, which nnU-Net reads as it is."""
        return ending_of(path) in NIFTI_ENDINGS and nifti_shape(path)[0] == 1

    def _take(self, source: Path, target: Path) -> None:
        if self.ending == ".nii.gz" and ending_of(source) == ".nii":
            write_bytes(target, gzip.compress(source.read_bytes(), 6, mtime=0))
            return
        if self._link:
            try:
                os.link(source.resolve(), target)
            except OSError:  # another disk, or a file system without links
                pass
            else:
                return
        shutil.copyfile(source, target)

    @staticmethod
    def _check_size(
        case: Case, found: tuple[int, ...] | None, shape: tuple[int, ...] | None
    ) -> None:
        if shape is not None and found is not None and found != shape:
            raise DataError(
                f"image and mask of {case.name} differ in size",
                expected=f"{size_text(found)}, as {case.images[0].name}",
                found=size_text(shape),
                fix="export maps at the size of the images",
            )


def _grid(case: Case) -> Path | None:
    """The NIfTI file on whose grid everything of a case is written, or None."""
    files = (*case.images, *(case.mask.paths if case.mask is not None else ()))
    return next((path for path in files if ending_of(path) in NIFTI_ENDINGS), None)


def _plain_png(path: Path) -> tuple[tuple[int, ...], int] | None:
    """((H, W), 1 or 3 colours) of a PNG in grey or RGB of 8 or 16 bits; None for other files."""
    with path.open("rb") as file:
        header = file.read(_PNG_HEADER)
    if len(header) < _PNG_HEADER or header[12:16] != b"IHDR" or header[24] not in _PNG_DEPTHS:
        return None
    colours = _PNG_COLOURS.get(header[25])
    if colours is None:
        return None
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (16, 20))
    return (height, width), colours
