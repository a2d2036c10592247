"""COCO's run-length encoding of a mask: columns one after the other, lengths in printable text.

The lengths of runs alternate between outside and inside, beginning with outside (maybe 0). From the
fourth on each is stored as its difference from the one two before. A number becomes groups of five
bits, the lowest first; bit 6 says that another group follows, the highest bit of the last group is
the sign; 48 is added to each group to make it a character.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_GROUP, _MORE, _SIGN, _FIRST = 5, 0x20, 0x10, 48


def encode(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """``{"size": [H, W], "counts": text}`` of a mask bool (H, W)."""
    return {"size": [int(side) for side in mask.shape], "counts": _text(run_lengths(mask))}


def run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs down the columns, the first one outside of the mask."""
    flat = np.ascontiguousarray(mask.T).ravel()
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    lengths: list[int] = np.diff(bounds).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def _text(lengths: list[int]) -> str:
    letters = bytearray()
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        while True:
            group = value & (_MORE - 1)
            value >>= _GROUP
            done = value == (-1 if group & _SIGN else 0)
            letters.append(_FIRST + (group if done else group | _MORE))
            if done:
                break
    return letters.decode("ascii")
