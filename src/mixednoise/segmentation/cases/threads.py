"""Work on many files in threads: decoders release Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import cv2

from mixednoise.data.quiet import quiet_decoders
from mixednoise.progress import Progress, Silent

T = TypeVar("T")
R = TypeVar("R")

#: More threads than this wait for the disk or for memory, not for a core.
MOST_WORKERS = 8


def in_threads(
    work: Callable[[T], R],
    items: Sequence[T],
    description: str,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> list[R]:
    """``[work(item) for item in items]`` in threads; an error or interruption ends it at once."""
    with one_thread_each():
        pool = ThreadPoolExecutor(workers or available_workers())
        try:
            results = pool.map(work, items)
            return list((progress or Silent()).track(results, description, total=len(items)))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own, and its libraries from writing to stderr."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with quiet_decoders():
            yield
    finally:
        cv2.setNumThreads(threads)


def available_workers() -> int:
    """Threads for the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return min(MOST_WORKERS, len(os.sched_getaffinity(0)))
    return min(MOST_WORKERS, os.cpu_count() or 1)
