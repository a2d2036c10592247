"""The files of a pixel store and how they are checked.

A store is a folder ``stores/<settings>/<images>/<content>/`` in the cache, each name a hash:

- ``pixels.u8``: N rows of S*S*3 bytes, nothing else;
- ``rows.bin``: N records of :data:`RECORD`, each written after its pixels and sealed with a
  checksum, so that whatever a killed build leaves behind is either a whole row or none;
- ``store.json``: written last. A folder without it is a build that was interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mixednoise.data.cache import PIXELS
from mixednoise.data.store_disk import replace_file
from mixednoise.errors import ConfigError

#: Part of every key: raised whenever pixels or files would come out differently.
FORMAT = 1
#: Of a finished store this many bytes of pixels, evenly spread, are checked when it is opened.
CHECKED_BYTES = 16_000_000
SMALLEST_IMAGE, LARGEST_IMAGE = 4, 4096

UNREADABLE, READABLE, RETRY = 0, 1, 2

Records = np.ndarray[Any, Any]

RECORD = np.dtype(
    [
        ("done", "u1"),
        ("readable", "u1"),  # READABLE, UNREADABLE or RETRY
        ("height", "<i4"),
        ("width", "<i4"),
        ("stamp", "S32"),  # of the source: path, size and times, or content of an array
        ("content", "S32"),  # hash of the file's bytes
        ("reason", "S200"),  # UTF-8
        ("pixels_crc", "<u4"),
        ("record_crc", "<u4"),  # of all bytes before it
    ]
)
_SEALED = RECORD.itemsize - 4


@dataclass(frozen=True)
class StoreSettings:
    """What decides the pixels of a store.

    Attributes:
        image_size: side S of the square images in pixels.
        crop: ``field_of_view`` cuts the black border of fundus images away before resizing.
        fit: ``pad`` shows the whole image on black, ``crop`` fills the square.

    Raises:
        ConfigError: a value that can't be.
    """

    image_size: int
    crop: Literal["none", "field_of_view"] = "none"
    fit: Literal["pad", "crop"] = "pad"

    def __post_init__(self) -> None:
        if not SMALLEST_IMAGE <= self.image_size <= LARGEST_IMAGE:
            raise ConfigError(
                "the image size can't be used",
                expected=f"{SMALLEST_IMAGE} to {LARGEST_IMAGE} pixels",
                found=str(self.image_size),
                fix="choose another --image-size",
            )
        for name, allowed in (("crop", ("none", "field_of_view")), ("fit", ("pad", "crop"))):
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"unknown {name}",
                    expected=" or ".join(allowed),
                    found=str(getattr(self, name)),
                    fix=f"choose one of these for {name}",
                )

    @property
    def row_bytes(self) -> int:
        """Bytes of one image: S*S*3."""
        return self.image_size * self.image_size * 3

    @property
    def key(self) -> str:
        """Hash of the settings and of the format of the files."""
        return digest([json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True)])[:12]


class StoreFolder:
    """The three files of one store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pixels, self.rows = path / PIXELS, path / "rows.bin"
        self.summary = path / "store.json"

    def read_records(self) -> Records | None:
        """The records as they are on disk, whole or not; None where there are none."""
        with contextlib.suppress(OSError):
            data = self.rows.read_bytes()
            if data and len(data) % RECORD.itemsize == 0:
                return np.frombuffer(data, RECORD)
        return None

    def finish(self, settings: StoreSettings) -> None:
        """Declare the store whole; everything before this line is on the disk already."""
        data = self.rows.read_bytes()
        summary = {
            "format": FORMAT,
            **asdict(settings),
            "images": len(data) // RECORD.itemsize,
            "rows_digest": hashlib.blake2b(data, digest_size=16).hexdigest(),
        }
        replace_file(self.summary, json.dumps(summary).encode())

    def read_finished(self) -> tuple[StoreSettings, Records] | None:
        """Settings and records of a whole store; None where it is missing, partial or damaged."""
        try:
            summary = json.loads(self.summary.read_text(encoding="utf-8"))
            settings = StoreSettings(
                **{name: summary[name] for name in ("image_size", "crop", "fit")}
            )
            data = self.rows.read_bytes()
            size = self.pixels.stat().st_size
            if (
                summary["format"] != FORMAT
                or summary["rows_digest"] != hashlib.blake2b(data, digest_size=16).hexdigest()
                or len(data) != summary["images"] * RECORD.itemsize
                or size != summary["images"] * settings.row_bytes
            ):
                return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return settings, np.frombuffer(data, RECORD)


def digest(parts: Sequence[str]) -> str:
    """BLAKE2b of some strings, in order, as 32 hexadecimal digits."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        state.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return state.hexdigest()


def sealed(record: Records) -> bytes:
    """The bytes of one record (shape (1,)), with its checksum filled in."""
    record["record_crc"] = zlib.crc32(record.tobytes()[:_SEALED])
    return record.tobytes()


def intact_rows(
    records: Records, handle: int, row_bytes: int, rows: np.ndarray[Any, Any]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which of ``rows`` are whole: record and pixels agree with their checksums."""
    return np.array([_intact(records[row], handle, row_bytes, int(row)) for row in rows], bool)


def _intact(record: Any, handle: int, row_bytes: int, row: int) -> bool:
    if not record["done"] or zlib.crc32(record.tobytes()[:_SEALED]) != record["record_crc"]:
        return False
    pixels = os.pread(handle, row_bytes, row * row_bytes)
    return len(pixels) == row_bytes and zlib.crc32(pixels) == record["pixels_crc"]


def sampled_rows(count: int, row_bytes: int) -> np.ndarray[Any, Any]:
    """The rows that are checked when a finished store is opened: first, last, evenly between."""
    number = max(2, min(count, CHECKED_BYTES // row_bytes))
    return np.unique(np.linspace(0, count - 1, number).astype(np.int64))
