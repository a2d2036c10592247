"""Writing a pixel store to a disk that may be full."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mixednoise.errors import ConfigError, MixedNoiseError, TrainingError

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_PREALLOCATION = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def opened(stack: ExitStack, path: Path) -> int:
    """Open for reading and writing, made where it doesn't exist; closed with the stack."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    stack.callback(os.close, handle)
    return handle


def reserve(handle: int, size: int) -> None:
    """Take the disk space now: later, a full disk would hit in the middle of the work.

    Raises:
        OSError: there isn't enough; the file is as long as it was.
    """
    before = os.fstat(handle).st_size
    if before > size:
        os.ftruncate(handle, size)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
    except OSError as error:
        if error.errno not in _NO_PREALLOCATION:
            os.ftruncate(handle, min(before, size))
            raise
    if os.fstat(handle).st_size < size:
        os.ftruncate(handle, size)


def write(handle: int, data: bytes | memoryview, offset: int) -> None:
    """Write everything; through write, not a mapping, where a full disk would kill the process."""
    view = memoryview(data)
    while view:
        written = os.pwrite(handle, view, offset)
        view, offset = view[written:], offset + written


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; on the disk when this returns."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def clear_errors(folder: Path, needed: int) -> Iterator[None]:
    """Turn what the operating system says about the cache into what to do about it."""
    try:
        yield
    except MixedNoiseError:
        raise
    except OSError as error:
        existing = next(parent for parent in folder.parents if parent.exists())
        root = folder.parents[3]  # root / stores / settings / images / content
        if error.errno in _NO_SPACE:
            free = shutil.disk_usage(existing).free
            raise TrainingError(
                "the disk is full: the pixel store doesn't fit",
                expected=f"{needed / 1e6:,.1f} MB for the decoded images in {root}",
                found=f"{free / 1e6:,.1f} MB free ({error.strerror})",
                fix=f"free some space, delete {root / 'stores'} (it is made again when needed), or "
                "set MIXEDNOISE_CACHE to a folder on another disk",
            ) from error
        raise ConfigError(
            "the cache for decoded images can't be used",
            expected=f"a folder that can be written to: {root}",
            found=error.strerror or str(error),
            fix="set MIXEDNOISE_CACHE to such a folder",
        ) from error
