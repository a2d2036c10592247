"""The case store: every image and mask decoded once, then mapped into memory.

Where it is kept: :mod:`mixednoise.data.cache`. What its files are: :mod:`.store_files`. How it is
made: :mod:`.store_build`.
"""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.cache import open_finished
from mixednoise.data.store_files import digest
from mixednoise.errors import DataError, TrainingError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.case import CaseSet
from mixednoise.segmentation.cases.store_build import build_case_store
from mixednoise.segmentation.cases.store_files import (
    CHECKED_BYTES,
    CaseStoreFolder,
    Place,
    block_is_whole,
)
from mixednoise.segmentation.labels import Mask

Array = np.ndarray[Any, Any]

#: After handing out this many bytes, mapped pages are given back; who still looks at one gets it
#: again from the system's cache. Otherwise a process that reads everything seems to hold it all.
RESIDENT_BYTES = 128_000_000


class CaseStore:
    """Decoded images and masks on disk. Make one with :meth:`build`.

    Arrays are views of a mapped file: only what is looked at is read, and what stays in memory is
    bounded, however large the store is. Safe to use from several threads, across a fork, and by
    pickling (which sends the path alone).

    Args:
        folder: of a finished store.

    Attributes:
        folder: as given.
        names: of the N cases, in the order of the case set.
        reasons: name -> why it can't be used, of the cases that can't be.

    Raises:
        TrainingError: the store was deleted or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        files = CaseStoreFolder(self.folder)
        found = open_finished(files.pixels, files.read_finished)
        if found is None:
            raise TrainingError(
                "the decoded images are no longer there",
                expected=f"the store {self.folder}",
                found="a folder that was deleted or damaged",
                fix="start again: it will be made from the images",
            )
        (self.names, self._rows), handle = found
        self._handle = handle
        weakref.finalize(self, os.close, handle)
        size = os.fstat(handle).st_size
        self._bytes: Any = mmap.mmap(handle, size, access=mmap.ACCESS_READ) if size else b""
        self._handed_out = 0
        self.reasons = {self.names[row.index]: row.reason for row in self._rows if row.reason}

    @classmethod
    def build(
        cls,
        case_set: CaseSet,
        *,
        image_size: int | None = None,
        root: Path | None = None,
        progress: Progress | None = None,
        workers: int | None = None,
    ) -> CaseStore:
        """Decode every case, or find what was decoded before.

        Args:
            case_set: the cases.
            image_size: the longer side of the plane (H, W) in pixels, aspect kept; None = as it
                is. The depth of volumes is kept, and nothing is enlarged. Images are averaged over
                areas, masks take the nearest pixel.
            root: the cache; None = :func:`mixednoise.data.cache.cache_root`.
            progress: a bar over the cases.
            workers: threads; None = one per core, at most 8. Images of more than 64 MB are decoded
                one at a time.

        Returns:
            The store. Cases that can't be read are in it, not readable, with the reason.

        Raises:
            DataError: the set is empty, or no case can be read.
            ConfigError: an image size that can't be, or a cache that can't be written to.
            TrainingError: the disk is full; what was decoded is kept for the next try.
        """
        store = build_case_store(
            case_set, image_size=image_size, root=root, progress=progress, workers=workers
        )
        if len(store.reasons) == len(store):
            name, reason = next(iter(store.reasons.items()))
            raise DataError(
                "no case can be read",
                expected="images and masks in PNG, JPEG (images), TIFF, BMP, npy or NIfTI",
                found=f"{len(store)} cases, all unreadable; {name}: {reason}",
                fix="check the folders",
            )
        return store

    @property
    def content(self) -> str:
        """Changes when a pixel or the order of the cases does; not when files move or are touched.

        Writing hard links to the images, as the export for nnU-Net does, changes their times.
        """
        # Offsets are left out: threads write in the order in which they finish.
        return digest(
            [
                f"{row.crc} {[p and (p.shape, p.dtype) for p in (row.image, row.mask, row.truth)]}"
                for row in self._rows
            ]
        )

    @classmethod
    def open_checked(cls, folder: Path) -> CaseStore | None:
        """A finished store of which a sample is whole and nothing is worth another try, or None."""
        try:
            store = cls(folder)
        except TrainingError:
            return None
        rows = store._rows
        total = max(1, sum(row.end - row.start for row in rows))
        number = max(2, min(len(rows), len(rows) * CHECKED_BYTES // total))
        sample = np.unique(np.linspace(0, len(rows) - 1, number).astype(int))
        whole = all(block_is_whole(store._handle, rows[index]) for index in sample)
        return store if whole and not any(row.retry for row in rows) else None

    def __len__(self) -> int:
        return len(self._rows)

    def __reduce__(self) -> tuple[type[CaseStore], tuple[Path]]:
        return (type(self), (self.folder,))

    def readable(self, index: int) -> bool:
        """Whether a case can be used."""
        return not self._rows[index].reason

    def image(self, index: int) -> Array:
        """uint8 or float32 (C, *S), read-only.

        Raises:
            DataError: the case can't be read.
        """
        return self._array(index, "image", self._rows[index].image)

    def mask(self, index: int) -> Mask:
        """uint8 (*S), class index or IGNORE, read-only.

        Raises:
            DataError: the case can't be read, or has no mask.
        """
        return self._array(index, "mask", self._rows[index].mask)

    def truth(self, index: int) -> Mask:
        """uint8 (*S), class index or IGNORE, read-only: the mask known to be right.

        Raises:
            DataError: the case can't be read, or has no such mask.
        """
        return self._array(index, "true mask", self._rows[index].truth)

    def has_mask(self, index: int) -> bool:
        """Whether :meth:`mask` gives one."""
        return self._rows[index].mask is not None

    def has_truth(self, index: int) -> bool:
        """Whether :meth:`truth` gives one."""
        return self._rows[index].truth is not None

    def shape(self, index: int) -> tuple[int, ...]:
        """S in the store."""
        place = self._rows[index].image
        return () if place is None else place.shape[1:]

    def native_shape(self, index: int) -> tuple[int, ...]:
        """S of the files, before resizing; () where the case can't be read."""
        return self._rows[index].native

    def spacing(self, index: int) -> tuple[float, ...] | None:
        """mm along each axis of S, after resizing; None where the format has none."""
        row = self._rows[index]
        if row.spacing is None:
            return None
        shapes = zip(row.spacing, row.native, self.shape(index), strict=True)
        return tuple(step * native / now for step, native, now in shapes)

    def mean(self, index: int) -> Array:
        """float64 (C,): the mean of each channel, in the units of :meth:`image`."""
        return np.array(self._rows[index].mean)

    def std(self, index: int) -> Array:
        """float64 (C,): the standard deviation of each channel (divided by n)."""
        return np.array(self._rows[index].std)

    def _array(self, index: int, what: str, place: Place | None) -> Array:
        if place is None:
            name = self.names[index]
            raise DataError(
                f"case {name} has no {what} that can be used",
                expected="a case with files that can be read",
                found=self.reasons.get(name, "none was given"),
                fix="leave the case out, or complete its files",
            )
        count = int(np.prod(place.shape))
        flat = np.frombuffer(self._bytes, place.dtype, count, place.offset)
        self._handed_out += flat.nbytes
        if self._handed_out > RESIDENT_BYTES:
            self._handed_out = 0
            if hasattr(mmap, "MADV_DONTNEED"):
                self._bytes.madvise(mmap.MADV_DONTNEED)
        return flat.reshape(place.shape)
