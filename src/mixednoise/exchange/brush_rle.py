"""Label Studio's run-length encoding of a brush region.

A stream of bits, the highest first: 32 for the number of values, 5 for the bits of a value less
one, four times 4 for the bits of a run's length less one; then runs: 1 (a value that repeats), 2
bits that choose one of the four lengths, the length less one, the value. Values are those of an
image in red, green, blue and alpha, row by row; the last one says whether a pixel is inside.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CHANNELS = 4
_VALUE_BITS = 8
_LENGTH_BITS = (3, 4, 8, 16)
_LONGEST = 1 << _LENGTH_BITS[-1]


def encode(mask: NDArray[np.bool_]) -> list[int]:
    """The bytes of a mask bool (H, W), 255 inside and 0 outside."""
    lengths, values = _runs(mask)
    sizes = np.array(_LENGTH_BITS)
    choice = np.searchsorted(1 << sizes, lengths)
    bits = sizes[choice]
    # One run after the other as a number of 1 + 2 + bits + 8 digits.
    codes = ((1 << 2 | choice) << bits | (lengths - 1)) << _VALUE_BITS | values
    head = [(mask.size * _CHANNELS, 32), (_VALUE_BITS - 1, 5)]
    head += [(size - 1, 4) for size in _LENGTH_BITS]
    numbers = np.concatenate([[number for number, _ in head], codes]).astype(">u4")
    widths = np.concatenate([[width for _, width in head], 1 + 2 + bits + _VALUE_BITS])
    digits = np.unpackbits(numbers.view(np.uint8)).reshape(-1, 32)
    stream = digits[np.arange(32) >= 32 - widths[:, None]]
    packed: list[int] = np.packbits(stream).tolist()
    return packed


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lengths of runs of equal values, none longer than can be stored, and the values."""
    flat = np.ascontiguousarray(mask).ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], edges])
    lengths = np.diff(np.concatenate([starts, [flat.size]])) * _CHANNELS
    values = flat[starts] * 255
    parts = -(-lengths // _LONGEST)
    pieces = np.full(int(parts.sum()), _LONGEST, np.int64)
    last = np.cumsum(parts) - 1
    pieces[last] = lengths - (parts - 1) * _LONGEST
    return pieces, np.repeat(values, parts).astype(np.int64)
