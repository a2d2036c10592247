"""Where pixel stores live, which of them are in use, and how to get rid of them.

The cache is a folder: ``$MIXEDNOISE_CACHE``, else ``~/.cache/mixednoise``. Everything in it can be
made again from the images, so deleting it is always safe; :func:`clear_cache` does it tidily.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

try:
    import fcntl
except ImportError:  # Windows: an open file can't be deleted there anyway
    fcntl = None  # type: ignore[assignment]

#: The file of a store that holds its pixels; whoever has the store open holds a shared lock on it.
PIXELS = "pixels.u8"

T = TypeVar("T")


def cache_root() -> Path:
    """``$MIXEDNOISE_CACHE`` where it is set, else ``~/.cache/mixednoise``."""
    given = os.environ.get("MIXEDNOISE_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "mixednoise"


def clear_cache(root: Path | None = None) -> int:
    """Delete every pixel store that no process has open or is building.

    Args:
        root: the cache; :func:`cache_root` when not given.

    Returns:
        Bytes freed.
    """
    stores = (root or cache_root()) / "stores"
    # stores / settings / images / content: see store_files.StoreFolder.
    return sum(delete_store(folder) for folder in sorted(stores.glob("*/*/*/")))


def build_lock(folder: Path) -> FileLock:
    """The lock that one process holds while it builds the store in ``folder``.

    The lock file lies outside of the stores and is never deleted: two processes that lock the same
    name must lock the same file.
    """
    locks = folder.parents[3] / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return FileLock(locks / f"{folder.parent.parent.name}-{folder.name}.lock")


def delete_store(folder: Path) -> int:
    """Delete one store unless it is open or being built somewhere; returns the bytes freed."""
    try:
        with build_lock(folder).acquire(timeout=0):
            if _is_open(folder / PIXELS):
                return 0
            freed = sum(file.stat().st_size for file in folder.iterdir())
            shutil.rmtree(folder)
    except (Timeout, OSError):
        return 0
    for parent in (folder.parent, folder.parent.parent):
        with contextlib.suppress(OSError):
            parent.rmdir()  # only when empty
    return freed


def hold_open(handle: int) -> None:
    """Tell other processes that a store is in use, for as long as ``handle`` stays open.

    Raises:
        FileNotFoundError: the store was deleted between opening and locking.
    """
    if fcntl is not None:
        # Some network file systems know no locks: then nothing is protected, and all else works.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_SH)
    if os.fstat(handle).st_nlink == 0:
        raise FileNotFoundError("the pixel store was deleted")


def open_finished(pixels: Path, read_finished: Callable[[], T | None]) -> tuple[T, int] | None:
    """Open a finished store, and hold it open.

    Args:
        pixels: the file of its pixels.
        read_finished: reads what it says of itself; None where it isn't whole.

    Returns:
        What was read, and the handle of the pixels; None where there is no whole store.
    """
    try:
        handle = os.open(pixels, os.O_RDONLY)
    except OSError:
        return None
    try:
        hold_open(handle)
        finished = read_finished()
    except OSError:
        finished = None
    if finished is None:
        os.close(handle)
        return None
    return finished, handle


def _is_open(pixels: Path) -> bool:
    if fcntl is None or not pixels.exists():
        return False
    with pixels.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return False
