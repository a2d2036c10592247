"""Spent memory, of the machine or of an accelerator, as one error that says what to do."""

from __future__ import annotations

import errno
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager

from mixednoise.errors import MixedNoiseError, TrainingError


@contextmanager
def memory_told() -> Iterator[None]:
    """Turn what Python, torch and the drivers raise when memory is spent into one error of ours.

    Raises:
        TrainingError: memory is spent. Any other error passes as it is.
    """
    try:
        yield
    except Exception as error:
        told = out_of_memory(error)
        if told is None:
            raise
        raise told from error


def out_of_memory(error: BaseException) -> TrainingError | None:
    """What to say of an error that means spent memory; None for any other error."""
    if isinstance(error, MixedNoiseError) or not _is_out_of_memory(error):
        return None
    said = (str(error).strip().splitlines() or ["no memory left"])[0]
    return TrainingError(
        "there is not enough memory",
        expected="images, batch and networks that fit together",
        found=textwrap.shorten(said, 200),
        fix="train with a smaller --batch-size, --image-size or --backbone (Python: batch_size, "
        "image_size, backbone), or free memory that other programs hold",
    )


def _is_out_of_memory(error: BaseException) -> bool:
    """Torch has a class for accelerators, and tells of the machine's memory as RuntimeError."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "can't allocate memory" in text
    )
