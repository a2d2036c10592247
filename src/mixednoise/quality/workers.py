"""How many threads measure, and OpenCV's own threads out of their way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from mixednoise.errors import ConfigError

MOST_WORKERS = 8


def workers_of(wanted: int | None) -> int:
    """Number of threads that measure: as wanted, else one per core, at most 8.

    Raises:
        ConfigError: below 1.
    """
    if wanted is not None and wanted < 1:
        raise ConfigError(
            "someone has to do the work",
            expected="--workers 1 or more",
            found=str(wanted),
            fix="leave it out for one per core",
        )
    return wanted or min(MOST_WORKERS, os.cpu_count() or 1)


@contextmanager
def one_thread_each(workers: int) -> Iterator[None]:
    """With several workers, OpenCV works in their threads alone; as before when the block ends."""
    before = cv2.getNumThreads()
    if workers > 1:
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
