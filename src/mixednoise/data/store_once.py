"""One build of a store, however many processes want it at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import Timeout

from mixednoise.data import cache
from mixednoise.data.store_disk import clear_errors
from mixednoise.progress import Progress

StoreT = TypeVar("StoreT")


def built_once(
    folder: Path,
    needed: int,
    *,
    find: Callable[[Path], StoreT | None],
    build: Callable[[], StoreT],
    progress: Progress,
) -> StoreT:
    """Build a store under its lock, or wait for the process that is building it.

    Stores beside it, of the same images before they changed, are deleted: they are of no more use,
    except to who has them open.

    Args:
        folder: of the store, absolute.
        needed: bytes that the store takes, for the message about a full disk.
        find: opens a store that is finished and whole.
        build: makes it and opens it.
        progress: is told when another process is waited for.

    Raises:
        ConfigError: the cache can't be written to.
        TrainingError: the disk is full.
    """
    with clear_errors(folder, needed):
        lock = cache.build_lock(folder)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress.message("waiting for another process that is decoding the same images")
            lock.acquire()
        try:
            store = find(folder)
            if store is None:
                store = build()
        finally:
            lock.release()
    for other in folder.parent.glob("*/"):
        if other.name != folder.name:
            cache.delete_store(other)
    return store
