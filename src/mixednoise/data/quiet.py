"""Silence for the C libraries behind OpenCV, which write their complaints straight to stderr.

What they complain about reaches the user as a reason in words; on the terminal it would only tear
the progress bar.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2

_lock = threading.Lock()
_depth = 0
_log_level: Any = None
_c_stderr: ctypes.c_void_p | None = None
_nowhere: int | None = None
_saved: int | None = None


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silence OpenCV's log and C's ``stderr`` while at least one thread is inside.

    libjpeg and libpng print with C's ``fprintf(stderr, ...)`` whatever OpenCV's log level is.
    Redirecting file descriptor 2 would swallow Python's messages and progress bars too, so only
    C's ``stderr`` variable is pointed elsewhere. That is possible with the GNU C library; on other
    systems those two libraries stay audible.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _log_level, _saved
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        _log_level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        stream, nowhere = _streams()
        if stream is not None and nowhere is not None:
            _saved, stream.value = stream.value, nowhere


def _leave() -> None:
    global _depth, _saved
    with _lock:
        _depth -= 1
        if _depth:
            return
        cv2.utils.logging.setLogLevel(_log_level)
        if _c_stderr is not None and _saved is not None:
            _c_stderr.value, _saved = _saved, None


def _streams() -> tuple[ctypes.c_void_p | None, int | None]:
    """C's ``stderr`` variable and a stream to nowhere, or (None, None) without the GNU library."""
    global _c_stderr, _nowhere
    if _nowhere is None and sys.platform == "linux":
        libc = ctypes.CDLL(None)
        # In musl the variable is read-only memory: writing to it would end the process.
        if hasattr(libc, "gnu_get_libc_version"):
            libc.fopen.restype = ctypes.c_void_p
            _nowhere = libc.fopen(b"/dev/null", b"w")
            _c_stderr = ctypes.c_void_p.in_dll(libc, "stderr")
    return _c_stderr, _nowhere
