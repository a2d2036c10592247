"""Arrays on disk: npy, npz, and the sizes of PNG files."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.image_header import PNG_SIGNATURE
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

Array = np.ndarray[Any, Any]

#: Formats of probabilities.
PROBABILITIES = (".npy", ".npz")
#: Entries of an ``.npz`` that hold the probabilities, where there are several.
_NPZ_ENTRIES = ("probabilities", "softmax", "arr_0")
#: What numpy raises over files that are damaged or of another kind.
_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


def png_shape(path: Path) -> tuple[int, ...]:
    """(H, W) from the header.

    Raises:
        UnreadableCaseError: no PNG file.
    """
    try:
        with path.open("rb") as file:
            head = file.read(24)
    except OSError as error:
        raise UnreadableCaseError(error.strerror or str(error), path, retry=True) from error
    if len(head) < 24 or not head.startswith(PNG_SIGNATURE):
        raise UnreadableCaseError("no PNG file, or a truncated one", path)
    width, height = struct.unpack(">II", head[16:24])
    return height, width


def array_header(path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an array on disk; an npz is opened, but its data isn't unpacked.

    Raises:
        UnreadableCaseError: damaged, of another kind, or an npz that leaves it open which entry.
    """
    try:
        if path.suffix.lower() == ".npy":
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapped.shape, mapped.dtype
        with zipfile.ZipFile(path) as archive:
            entry = _entry(path, [n.removesuffix(".npy") for n in archive.namelist()])
            with archive.open(f"{entry}.npy") as file:
                version = np.lib.format.read_magic(file)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = read(file)
                return shape, dtype
    except _DAMAGE as error:
        raise UnreadableCaseError(_reason(error), path) from error


def load(path: Path) -> Array:
    """An array, read-only; npy files are memory-mapped.

    Raises:
        UnreadableCaseError: as :func:`array_header`.
    """
    try:
        if path.suffix.lower() == ".npy":
            # A plain array, not the slower memmap class, over the same mapped memory.
            return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[_entry(path, archive.files)])
    except _DAMAGE as error:
        raise UnreadableCaseError(_reason(error), path) from error


def _entry(path: Path, entries: list[str]) -> str:
    if len(entries) == 1:
        return entries[0]
    for entry in _NPZ_ENTRIES:
        if entry in entries:
            return entry
    raise UnreadableCaseError(f"several arrays, none named {_NPZ_ENTRIES[0]!r}", path)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"damaged or no numpy file ({str(error).splitlines()[0] if str(error) else 'empty'})"
