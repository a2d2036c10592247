"""The files of a case store, and how they are checked.

A store is a folder ``stores/cases-<settings>/<cases>/<content>/`` in the cache, each name a hash
(so that :mod:`mixednoise.data.cache` counts, locks and deletes it like any other store):

- ``pixels.u8``: one block per case: image, mask and true mask, each beginning at a multiple of 64;
- ``rows.jsonl``: one line per case, written after its block and sealed with checksums of both, so
  that whatever a killed build leaves behind is either a whole case or none;
- ``store.json``: written last. A folder without it is a build that was interrupted.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from mixednoise.data.cache import PIXELS
from mixednoise.data.store_disk import replace_file
from mixednoise.data.store_files import digest
from mixednoise.errors import ConfigError

#: Part of every key: raised whenever pixels or files would come out differently.
FORMAT = 1
ALIGNMENT = 64
#: Of a finished store this many bytes, evenly spread, are checked when it is opened.
CHECKED_BYTES = 16_000_000
SMALLEST_IMAGE = 4


@dataclass(frozen=True)
class Place:
    """Where an array lies in ``pixels.u8``.

    Attributes:
        offset: in bytes.
        shape: (C, *S) or (*S).
        dtype: ``uint8`` or ``float32``.
    """

    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Row:
    """One case of a store.

    Attributes:
        index: its place in the case set.
        stamp: changes when one of its files does.
        reason: why it can't be read, '' = it can.
        retry: the fault may lie outside of the files: worth another try.
        start, end: its block in ``pixels.u8``.
        crc: checksum of the block.
        image, mask, truth: the arrays in it.
        native: S before resizing.
        spacing: mm along S before resizing, or None.
        mean, std: of each channel, after resizing.
    """

    index: int
    stamp: str
    reason: str = ""
    retry: bool = False
    start: int = 0
    end: int = 0
    crc: int = 0
    image: Place | None = None
    mask: Place | None = None
    truth: Place | None = None
    native: tuple[int, ...] = ()
    spacing: tuple[float, ...] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def to_line(self) -> bytes:
        """One line of ``rows.jsonl``: checksum, space, JSON."""
        text = json.dumps(asdict(self), separators=(",", ":"))
        return f"{zlib.crc32(text.encode()):08x} {text}\n".encode()

    @classmethod
    def from_line(cls, line: bytes) -> Row | None:
        """The row of a whole line; None for a torn one."""
        checksum, _, text = line.rstrip(b"\n").partition(b" ")
        if checksum != f"{zlib.crc32(text):08x}".encode():
            return None
        told = json.loads(text)
        for name in ("image", "mask", "truth"):
            if told[name] is not None:
                place = told[name]
                told[name] = Place(place["offset"], tuple(place["shape"]), place["dtype"])
        for name in ("native", "spacing", "mean", "std"):
            told[name] = None if told[name] is None else tuple(told[name])
        return cls(**told)


class CaseStoreFolder:
    """The three files of one store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pixels, self.rows = path / PIXELS, path / "rows.jsonl"
        self.summary = path / "store.json"

    def read_rows(self) -> dict[int, Row]:
        """The rows whose lines are whole; of two for one case, the later."""
        rows: dict[int, Row] = {}
        with contextlib.suppress(OSError):
            for line in self.rows.read_bytes().splitlines():
                if (row := Row.from_line(line)) is not None:
                    rows[row.index] = row
        return rows

    def finish(self, rows: Iterable[Row], names: tuple[str, ...]) -> None:
        """Declare the store whole; its pixels are on the disk already."""
        lines = b"".join(row.to_line() for row in sorted(rows, key=lambda row: row.index))
        replace_file(self.rows, lines)
        summary = {
            "format": FORMAT,
            "cases": list(names),
            "bytes": self.pixels.stat().st_size,
            "rows_crc": zlib.crc32(lines),
        }
        replace_file(self.summary, json.dumps(summary).encode())

    def read_finished(self) -> tuple[tuple[str, ...], list[Row]] | None:
        """Names and rows of a whole store; None where it is missing, partial or damaged."""
        try:
            summary = json.loads(self.summary.read_text(encoding="utf-8"))
            lines = self.rows.read_bytes()
            rows = [Row.from_line(line) for line in lines.splitlines()]
            whole = [row for row in rows if row is not None]
            if (
                summary["format"] != FORMAT
                or summary["rows_crc"] != zlib.crc32(lines)
                or summary["bytes"] != self.pixels.stat().st_size
                or len(whole) != len(summary["cases"])
            ):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return tuple(summary["cases"]), whole


def block_is_whole(handle: int, row: Row) -> bool:
    """Whether the bytes of a row are those that were written."""
    checksum, position = 0, row.start
    while position < row.end:
        data = os.pread(handle, min(1 << 22, row.end - position), position)
        if not data:
            return False
        checksum, position = zlib.crc32(data, checksum), position + len(data)
    return checksum == row.crc


def check_image_size(image_size: int | None) -> None:
    """Refuse a size that no image can have.

    Raises:
        ConfigError: with the sizes that can be.
    """
    if image_size is not None and image_size < SMALLEST_IMAGE:
        raise ConfigError(
            "the image size can't be used",
            expected=f"at least {SMALLEST_IMAGE} pixels, or none for images as they are",
            found=str(image_size),
            fix="choose another --image-size",
        )


def stamp_of(paths: Iterable[Path]) -> str:
    """Changes when a file does: path, size, and times of the last change, in nanoseconds."""
    parts = []
    for path in paths:
        try:
            status = path.stat()
            times = [status.st_size, status.st_mtime_ns, status.st_ctime_ns]
        except (OSError, ValueError):
            times = []
        parts.append(f"{path} {times}")
    return digest(parts)
