"""The pixel store: every image decoded once, then read back as plain uint8 pixels.

Where it is kept: :mod:`.cache`. What its files are: :mod:`.store_files`. How it is made:
:mod:`.store_build`.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixednoise.data.cache import open_finished
from mixednoise.data.store_files import (
    READABLE,
    RETRY,
    StoreFolder,
    StoreSettings,
    intact_rows,
    sampled_rows,
)
from mixednoise.errors import TrainingError
from mixednoise.progress import Progress

if TYPE_CHECKING:  # pandas takes a second to import
    from mixednoise.data.table import Dataset

__all__ = ["PixelStore", "StoreSettings"]

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Rows = Sequence[int] | np.ndarray[Any, Any]


class PixelStore:
    """Decoded, resized images on disk. Make one with :meth:`build`.

    Safe to use from several threads, across a fork, and by pickling (which sends the path alone).

    Args:
        folder: of a finished store.

    Attributes:
        folder: as given.
        settings: what decided the pixels.
        readable: bool (N,): False where the image could not be decoded; its pixels are zero.
        reasons: N strings: why an image is unreadable, in words; '' where it is fine.
        content_hash: str (N,): BLAKE2b-128 of the file's bytes (of an array: its shape and bytes)
            in hexadecimal; '' where not even the bytes could be read.
        native_size: int32 (N, 2): height and width in pixels of the whole image, after rotation by
            EXIF, before cropping; 0 where unreadable.

    Raises:
        TrainingError: there is no whole store in the folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        files = StoreFolder(self.folder)
        opened = open_finished(files.pixels, files.read_finished)
        if opened is None:
            raise TrainingError(
                "a pixel store is missing or damaged",
                expected="the store that this process was given",
                found=str(folder),
                fix="start again: the store will be rebuilt from the images",
            )
        (self.settings, records), self._handle = opened
        weakref.finalize(self, os.close, self._handle)
        self._records = records
        self.readable = records["readable"] == READABLE
        self.reasons = [text.decode("utf-8", "ignore") for text in records["reason"].tolist()]
        self.content_hash = records["content"].astype("U32")
        self.native_size = np.stack([records["height"], records["width"]], axis=1).astype(np.int32)

    @classmethod
    def build(
        cls,
        dataset: Dataset,
        settings: StoreSettings,
        *,
        root: Path | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> PixelStore:
        """Decode every image of a data set once, or find that it was done before.

        A store is found again by the settings and by path, size and times of every image, without
        reading one; nothing is decoded then. Images that other stores of the same settings hold
        are copied from there. A build that was interrupted goes on where it stopped. Two processes
        that build the same store at once do the work once.

        An image that can't be read doesn't stop the build: see :attr:`readable`, :attr:`reasons`.

        Args:
            dataset: row i of the store is row i of ``dataset.table``; labels and splits are not
                part of a store.
            settings: size and crop.
            root: the cache, :func:`.cache.cache_root` when not given.
            workers: threads that decode; one per available core, at most 16, when not given.
            progress: shows the images as they pass.

        Raises:
            DataError: the data set has no images.
            ConfigError: the cache can't be written to.
            TrainingError: the disk is full. What was decoded before is kept for the next start.
        """
        from mixednoise.data.store_build import build_store

        return build_store(dataset, settings, root=root, workers=workers, progress=progress)

    @classmethod
    def open_checked(cls, folder: Path) -> PixelStore | None:
        """Open a finished store after checking a sample of its pixels.

        Returns:
            None if it isn't whole, or holds images that should be tried again.
        """
        try:
            store = cls(folder)
        except TrainingError:
            return None
        if (store._records["readable"] == RETRY).any():
            return None
        row_bytes = store.settings.row_bytes
        rows = sampled_rows(len(store), row_bytes)
        return store if intact_rows(store._records, store._handle, row_bytes, rows).all() else None

    def __len__(self) -> int:
        return len(self.reasons)

    def __repr__(self) -> str:
        return f"PixelStore({len(self)} images, {self.settings}, {str(self.folder)!r})"

    def __reduce__(self) -> tuple[type[PixelStore], tuple[str]]:
        return (type(self), (str(self.folder),))

    @cached_property
    def images(self) -> np.memmap[Any, np.dtype[np.uint8]]:
        """All pixels, read-only, uint8 (N, S, S, 3).

        Convenient for a look at some images. For many, :meth:`take` is better: pages of a mapped
        file that have been looked at count as memory of this process.
        """
        side = self.settings.image_size
        shape = (len(self), side, side, 3)
        with open(self._handle, "rb", closefd=False) as file:
            return np.memmap(file, np.uint8, "r", 0, shape)

    def take(self, rows: Rows, *, out: Pixels | None = None) -> Pixels:
        """Copy some images into memory.

        Reads the file rather than mapping it, so that the memory of the process grows by the
        result alone, however large the store and however many rows pass.

        Args:
            rows: row numbers (n,) as numpy takes them: negative ones count from the end, a bool
                array (N,) selects.
            out: where to put the images: uint8 (n, S, S, 3), contiguous. A new array if not given.

        Returns:
            uint8 (n, S, S, 3), equal to ``images[rows]``.

        Raises:
            IndexError: a row that doesn't exist.
            TrainingError: the file has been damaged since it was opened.
        """
        chosen = self._row_numbers(rows)
        side = self.settings.image_size
        shape = (len(chosen), side, side, 3)
        if out is None:
            out = np.empty(shape, np.uint8)
        elif out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
            raise ValueError(f"out must be contiguous uint8 {shape}, not {out.dtype} {out.shape}")
        # Neighbouring rows are neighbours on disk: one call reads a whole run of them.
        starts = [0, *(np.flatnonzero(np.diff(chosen) != 1) + 1).tolist(), len(chosen)]
        for start, end in pairwise(starts):
            if end > start:
                self._read_into(out[start:end], int(chosen[start]))
        return out

    def _row_numbers(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.int64]]:
        given = np.asarray(rows)
        if given.dtype == bool and given.shape == (len(self),):
            return np.flatnonzero(given)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise IndexError(f"rows must be whole numbers (n,), not {given.dtype} {given.shape}")
        numbers = given.astype(np.int64)
        wrong = (numbers < -len(self)) | (numbers >= len(self))
        if wrong.any():
            raise IndexError(f"row {numbers[wrong][0]} of a store with {len(self)} images")
        return np.where(numbers < 0, numbers + len(self), numbers)

    def _read_into(self, target: Pixels, row: int) -> None:
        """Fill ``target`` (k, S, S, 3) with the rows from ``row`` on."""
        view = target.data.cast("B")
        offset, done = row * self.settings.row_bytes, 0
        while done < len(view):
            # preadv moves no file position that threads or forked processes would share.
            got = os.preadv(self._handle, [view[done:]], offset + done)
            if got == 0:
                raise TrainingError(
                    "the pixel store has been cut short while it was in use",
                    expected=f"{self.folder} as it was",
                    found="a shorter file",
                    fix="start again: the store will be rebuilt from the images",
                )
            done += got
