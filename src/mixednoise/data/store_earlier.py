"""Rows that earlier stores of the same settings hold already: copied instead of decoded again."""

from __future__ import annotations

import os
import zlib
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from mixednoise.data.cache import hold_open
from mixednoise.data.store_files import READABLE, StoreFolder, StoreSettings

#: The newest stores that are looked at; older ones are unlikely to help.
MOST_STORES = 8
#: No further store is looked at beyond this many rows: their index is kept in memory.
MOST_ROWS = 1_000_000

Found = tuple[np.ndarray[Any, Any], bytes]


class EarlierStores:
    """The finished stores beside ``folder``, opened as a context manager; safe for threads.

    A cleaned table with some rows left out, a changed order, one edited image, a folder that was
    moved: the new store needs few decodes, or none.
    """

    def __init__(self, folder: Path, settings: StoreSettings) -> None:
        self._row_bytes = settings.row_bytes
        self._stores: list[tuple[int, np.ndarray[Any, Any]]] = []
        self._stamps: dict[bytes, tuple[int, int]] = {}
        self._contents: dict[bytes, tuple[int, int]] = {}
        others = [
            path for path in folder.parents[1].glob("*/*/store.json") if path.parent != folder
        ]
        for summary in sorted(others, key=_modified, reverse=True)[:MOST_STORES]:
            if len(self._stamps) < MOST_ROWS:
                self._add(StoreFolder(summary.parent))

    def __enter__(self) -> EarlierStores:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle, _ in self._stores:
            os.close(handle)
        self._stores = []

    def by_stamp(self, stamp: str) -> Found | None:
        """Record (1,) and pixels of an image known by its stamp."""
        return self._copy(self._stamps.get(stamp.encode()))

    def by_content(self, content: str) -> Found | None:
        """Record (1,) and pixels of an image with the same bytes."""
        return self._copy(self._contents.get(content.encode()))

    def _add(self, files: StoreFolder) -> None:
        finished = files.read_finished()
        if finished is None:
            return
        try:
            handle = os.open(files.pixels, os.O_RDONLY)
        except OSError:
            return
        try:
            hold_open(handle)
        except OSError:
            os.close(handle)
            return
        records = finished[1]
        rows = np.flatnonzero(records["readable"] == READABLE)
        places = [(len(self._stores), row) for row in rows.tolist()]
        self._stores.append((handle, records))
        self._stamps.update(zip(records["stamp"][rows].tolist(), places, strict=True))
        self._contents.update(zip(records["content"][rows].tolist(), places, strict=True))

    def _copy(self, place: tuple[int, int] | None) -> Found | None:
        if place is None:
            return None
        number, row = place
        handle, records = self._stores[number]
        record = records[row : row + 1].copy()
        pixels = os.pread(handle, self._row_bytes, row * self._row_bytes)
        if len(pixels) != self._row_bytes or zlib.crc32(pixels) != record["pixels_crc"][0]:
            return None
        return record, pixels


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
