"""The images of a corrupted data set: taken over byte for byte, or degraded and encoded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import numpy as np

from mixednoise.data.decode import UnreadableImageError, decode_image, hash_bytes, read_image_file
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError
from mixednoise.noise.images import ImageArray, degrade_randomly
from mixednoise.noise.instance import image_descriptor
from mixednoise.progress import Progress

ImageFormat = Literal["png", "jpeg"]
T = TypeVar("T")

#: Shorter side, in pixels, down to which a JPEG may be decoded for its descriptor.
_DESCRIPTOR_SIDE = 64


class Images:
    """The pixels of a data set by row, whether they lie in files or in an array."""

    def __init__(self, ds: Dataset) -> None:
        self.paths = [str(path) for path in ds.table["path"]]
        self._array_rows = ds.table["array_index"].to_numpy(np.int64)
        self._arrays = ds.arrays

    def array(self, row: int) -> ImageArray | None:
        """The pixels where they lie in an array, else None."""
        index = self._array_rows[row]
        if index < 0 or self._arrays is None:
            return None
        return np.ascontiguousarray(self._arrays[index])

    def pixels(self, row: int, min_side: int | None = None) -> ImageArray:
        """uint8 (H, W, 3); raises :class:`UnreadableImageError`."""
        array = self.array(row)
        return decode_image(self.paths[row], min_side=min_side) if array is None else array

    def content_hash(self, row: int) -> str:
        """Equal for identical images; '' for a file that can't be read: it equals no other."""
        array = self.array(row)
        if array is not None:
            return hash_bytes(array.tobytes())
        try:
            return hash_bytes(read_image_file(self.paths[row]))
        except UnreadableImageError:
            return ""


def in_threads(
    work: Callable[[int], T],
    rows: Iterable[int],
    description: str,
    workers: int | None,
    progress: Progress,
) -> list[T]:
    """``[work(row) for row in rows]`` in threads; an error or interruption ends it at once."""
    rows = [int(row) for row in rows]
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1))
    try:
        return list(progress.track(pool.map(work, rows), description, total=len(rows)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def write_images(
    ds: Dataset,
    files: list[str],
    degraded: np.ndarray[Any, np.dtype[np.bool_]],
    severity: float,
    seed: int,
    folder: Path,
    *,
    link: bool,
    workers: int | None,
    progress: Progress,
) -> list[str]:
    """Write every image of a data set below ``folder``.

    Args:
        ds: where the pixels are.
        files: file of each row, relative to ``folder``.
        degraded: bool (N,), rows to degrade; each draws from ``[seed, 1, row]``.
        severity: of the damage, 0..1.
        seed: of the damage.
        folder: an empty folder.
        link: take files over as hard links.
        workers: threads.
        progress: a bar.

    Returns:
        Ids of the rows that should have been degraded but can't be decoded: they are unreadable as
        they are, and taken over so.

    Raises:
        DataError: a file can't be read for a reason that lies outside of it.
        OSError: a file can't be written.
    """
    ids = [str(value) for value in ds.table["id"]]
    for parent in sorted({(folder / file).parent for file in files}):
        parent.mkdir(parents=True, exist_ok=True)

    images = Images(ds)

    def write(row: int) -> str | None:
        target, source = folder / files[row], Path(images.paths[row])
        if not degraded[row] and images.array(row) is None:
            take_over(source, target, link=link)
            return None
        try:
            image = images.pixels(row)
        except UnreadableImageError as error:
            if error.retry:  # it may be readable tomorrow, and then it would not be degraded
                raise
            take_over(source, target, link=link)
            return ids[row]
        if degraded[row]:
            image = degrade_randomly(image, severity, np.random.default_rng([seed, 1, row]))
        target.write_bytes(_encode(image, target.suffix))
        return None

    failed = in_threads(write, range(len(ds)), "writing images", workers, progress)
    return [name for name in failed if name is not None]


def describe_images(
    ds: Dataset,
    rows: np.ndarray[Any, np.dtype[np.int64]],
    workers: int | None,
    progress: Progress,
) -> np.ndarray[Any, Any]:
    """:func:`image_descriptor` of each row, float32 (n, d); unreadable images get the mean.

    Raises:
        DataError: a file can't be read for a reason that lies outside of it.
    """

    images = Images(ds)

    def describe(row: int) -> np.ndarray[Any, Any] | None:
        try:
            return image_descriptor(images.pixels(row, min_side=_DESCRIPTOR_SIDE))
        except UnreadableImageError as error:
            if error.retry:
                raise
            return None

    found = in_threads(describe, rows, "describing images", workers, progress)
    readable = [descriptor for descriptor in found if descriptor is not None]
    mean = np.mean(readable, axis=0) if readable else np.zeros(1, dtype=np.float32)
    return np.stack([mean if descriptor is None else descriptor for descriptor in found])


def take_over(source: Path, target: Path, *, link: bool) -> None:
    """The same bytes under another name; errors as :func:`write_images`."""
    if link:
        try:
            os.link(source.resolve(), target)
        except OSError:  # another disk, another owner, or a file system without links
            pass
        else:
            return
    # copyfile, not copy: a source that is read-only would make a folder that is hard to delete.
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        if not os.access(source, os.R_OK):
            raise DataError(
                f"can't read {source}",
                expected="image files that you may read",
                found=error.strerror or str(error),
                fix="restore the file or its permissions, or leave its row out",
            ) from error
        raise


def _encode(image: ImageArray, suffix: str) -> bytes:
    """PNG (lossless) or JPEG of quality 95."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else []
    _, data = cv2.imencode(suffix, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    return bytes(data.tobytes())
