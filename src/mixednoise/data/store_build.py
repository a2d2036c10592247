"""Building a pixel store: decode in threads, keep what is done, survive being killed."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mixednoise.data.cache import cache_root
from mixednoise.data.decode import (
    UnreadableImageError,
    hash_bytes,
    one_at_a_time,
    read_image_file,
)
from mixednoise.data.prepare import prepare_bytes
from mixednoise.data.quiet import quiet_decoders
from mixednoise.data.resize import prepare_pixels
from mixednoise.data.store import PixelStore
from mixednoise.data.store_disk import opened, reserve, write
from mixednoise.data.store_earlier import EarlierStores
from mixednoise.data.store_files import (
    READABLE,
    RECORD,
    RETRY,
    UNREADABLE,
    StoreFolder,
    StoreSettings,
    intact_rows,
    sealed,
)
from mixednoise.data.store_once import built_once
from mixednoise.data.store_sources import Sources, find_sources
from mixednoise.errors import DataError
from mixednoise.progress import Progress, Silent

if TYPE_CHECKING:  # pandas takes a second to import
    from mixednoise.data.table import Dataset

MOST_WORKERS = 16
#: Images handed to a thread at once: enough that handing over costs nothing.
_CHUNK = 8


def build_store(
    dataset: Dataset,
    settings: StoreSettings,
    *,
    root: Path | None,
    workers: int | None,
    progress: Progress | None,
) -> PixelStore:
    """See :meth:`.store.PixelStore.build`."""
    if len(dataset) == 0:
        raise DataError(
            "the data set has no images",
            expected="at least one row",
            found=f"{dataset.source}: none that can be used",
            fix="check the file and what was set aside",
        )
    workers = workers or min(MOST_WORKERS, _available_cores())
    progress = progress or Silent()
    sources = find_sources(dataset, workers)
    images = (root or cache_root()) / "stores" / settings.key / sources.images_key
    folder = (images / sources.content_key).absolute()
    if (store := PixelStore.open_checked(folder)) is not None:
        return store
    builder = _Builder(StoreFolder(folder), settings, sources, workers, progress)
    return built_once(
        folder,
        len(sources) * settings.row_bytes,
        find=PixelStore.open_checked,
        build=builder.run,
        progress=progress,
    )


class _Builder:
    """One build; the caller holds the lock."""

    def __init__(
        self,
        files: StoreFolder,
        settings: StoreSettings,
        sources: Sources,
        workers: int,
        progress: Progress,
    ) -> None:
        self.files, self.settings, self.sources = files, settings, sources
        self.workers, self.progress = workers, progress

    def run(self) -> PixelStore:
        """Bring the store to its finished state from whatever is there."""
        self.files.path.mkdir(parents=True, exist_ok=True)
        self.files.summary.unlink(missing_ok=True)
        with ExitStack() as stack:
            self.pixels = opened(stack, self.files.pixels)
            self.rows = opened(stack, self.files.rows)
            done = self._rows_done()
            self._reserve(done)
            self.earlier = stack.enter_context(EarlierStores(self.files.path, self.settings))
            if done.any():
                self.progress.message(f"{done.sum()} of {len(done)} images were decoded before")
            self._decode(np.flatnonzero(~done))
            os.fsync(self.pixels)
            os.fsync(self.rows)
        self.files.finish(self.settings)
        return PixelStore(self.files.path)

    def _reserve(self, done: np.ndarray[Any, np.dtype[np.bool_]]) -> None:
        try:
            reserve(self.pixels, len(self.sources) * self.settings.row_bytes)
            reserve(self.rows, len(self.sources) * RECORD.itemsize)
        except OSError:
            if not done.any():
                shutil.rmtree(self.files.path, ignore_errors=True)
            raise

    def _rows_done(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which rows an interrupted build, or a store damaged since, still holds whole."""
        records = self.files.read_records()
        if records is None or len(records) != len(self.sources):
            os.ftruncate(self.rows, 0)
            return np.zeros(len(self.sources), bool)
        rows = np.arange(len(records))
        whole = intact_rows(records, self.pixels, self.settings.row_bytes, rows)
        expected = np.array(self.sources.stamps, "S32")
        wanted = (records["stamp"] == expected) & (records["readable"] != RETRY)
        done: np.ndarray[Any, np.dtype[np.bool_]] = whole & wanted
        return done

    def _decode(self, rows: np.ndarray[Any, Any]) -> None:
        """Decode these rows in threads; OpenCV, hashing and writing release Python's lock."""
        same: dict[str, list[int]] = {}
        for row in rows.tolist():
            same.setdefault(self.sources.stamps[row], []).append(row)
        groups = list(same.values())
        chunks = [groups[i : i + _CHUNK] for i in range(0, len(groups), _CHUNK)]
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="mixednoise-decode")
        threads = cv2.getNumThreads()
        # One image per core: OpenCV's own threads inside would only get in each other's way.
        cv2.setNumThreads(1)
        try:
            with quiet_decoders():
                passed = (row for n in pool.map(self._fill_all, chunks) for row in range(n))
                for _ in self.progress.track(passed, "decoding images", total=len(rows)):
                    pass
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            cv2.setNumThreads(threads)

    def _fill_all(self, groups: Sequence[Sequence[int]]) -> int:
        """Fill some groups of rows, each group with one image; returns the number of rows."""
        for group in groups:
            with one_at_a_time(self.sources.sizes[group[0]]):
                self._fill(group)
        return sum(len(group) for group in groups)

    def _fill(self, rows: Sequence[int]) -> None:
        """Decode the image of these rows, or copy it from an earlier store, and write it."""
        first = rows[0]
        stamp = self.sources.stamps[first]
        record = np.zeros(1, RECORD)
        pixels: bytes | memoryview
        if (copied := self.earlier.by_stamp(stamp)) is not None:
            record, pixels = copied
        else:
            record, pixels = self._from_source(first)
        record["done"], record["stamp"] = 1, stamp.encode()
        record["pixels_crc"] = zlib.crc32(pixels)
        line = sealed(record)
        for row in rows:
            # The record last: a row counts as done only when its pixels are there.
            write(self.pixels, pixels, row * self.settings.row_bytes)
            write(self.rows, line, row * RECORD.itemsize)

    def _from_source(self, row: int) -> tuple[np.ndarray[Any, Any], bytes | memoryview]:
        record = np.zeros(1, RECORD)
        size, crop, fit = self.settings.image_size, self.settings.crop, self.settings.fit
        try:
            if self.sources.content[row] and self.sources.arrays is not None:
                record["content"] = self.sources.content[row].encode()
                array = self.sources.arrays[self.sources.array_rows[row]]
                native = array.shape[:2]
                image = prepare_pixels(array, size, crop=crop, fit=fit)
            else:
                data = read_image_file(self.sources.paths[row])
                content = hash_bytes(data)
                # Touched or moved, but the same bytes: nothing to decode.
                if (copied := self.earlier.by_content(content)) is not None:
                    return copied
                record["content"] = content.encode()
                image, native = prepare_bytes(data, size, crop=crop, fit=fit)
            record["readable"], record["height"], record["width"] = READABLE, native[0], native[1]
        except UnreadableImageError as error:
            record["readable"] = RETRY if error.retry else UNREADABLE
            reason = error.reason.encode()[: RECORD["reason"].itemsize]
            record["reason"] = reason.decode("utf-8", "ignore").encode()
            return record, bytes(self.settings.row_bytes)
        return record, image.data.cast("B")


def _available_cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
