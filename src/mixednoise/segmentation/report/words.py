"""Numbers as people read them, and the sentences at the top of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.data.report import counted

#: What stands for a number that isn't there.
NOTHING = "–"


def defined(value: Any) -> bool:
    """Whether a value is a number: no None (JSON's NaN), NaN or infinity."""
    return isinstance(value, int | float | np.number) and math.isfinite(float(value))


def whole(value: Any) -> str:
    """``12,345``."""
    return f"{int(value):,}" if defined(value) else NOTHING


def share(value: Any) -> str:
    """A share in [0, 1] as ``3.2%``; what is above zero never becomes ``0%``."""
    if not defined(value):
        return NOTHING
    percent = 100 * float(value)
    if 0 < percent < 0.01:
        return "<0.01%"
    if 99.99 < percent < 100:
        return ">99.99%"
    digits = 2 if percent < 1 or 99 < percent < 100 else 1 if percent < 100 else 0
    return f"{percent:.{digits}f}%" if percent else "0%"


def decimal(value: Any, digits: int = 3) -> str:
    """``0.871``."""
    return f"{float(value):.{digits}f}" if defined(value) else NOTHING


def points(value: Any) -> str:
    """A difference of scores in [0, 1] as points of a hundred, with its sign: ``+2.1``."""
    # A real minus, as wide as the plus, so that columns of differences line up.
    return f"{100 * float(value):+.1f}".replace("-", "−") if defined(value) else NOTHING


def headline(flagged: NDArray[np.int64], pixels: int | None) -> str:
    """The one sentence that a reader in a hurry takes away.

    Args:
        flagged: int64 (N,), suspected pixels per mask.
        pixels: labelled pixels of the set; None = not known.
    """
    total = int(flagged.sum())
    if not len(flagged):
        return "No mask was checked."
    if not total:
        return f"Nothing looks wrong in {counted(len(flagged), 'mask')}."
    touched = int((flagged > 0).sum())
    masks = f"{touched:,} of {counted(len(flagged), 'mask')}"
    if not pixels:
        return f"{counted(total, 'pixel')} in {masks} {'looks' if total == 1 else 'look'} wrong."
    return f"{share(total / pixels)} of the labelled pixels look wrong, in {masks}."


def findings(
    flagged: NDArray[np.int64],
    pixels: int | None,
    class_names: Sequence[str],
    error_rates: Sequence[float],
) -> list[str]:
    """Plain sentences below the headline: where the suspicions are.

    Args:
        flagged: int64 (N,), suspected pixels per mask.
        pixels: labelled pixels of the set; None = not known.
        class_names: K names.
        error_rates: estimated share of wrong pixels among those drawn as each class; NaN =
            not known. May be empty.
    """
    total = int(flagged.sum())
    said = []
    if total and pixels:
        said.append(f"{counted(total, 'pixel')} of {pixels:,} are suspected to be wrong.")
    if total and len(flagged) > 1:
        gathered = np.cumsum(np.sort(flagged)[::-1])
        most = int(np.searchsorted(gathered, total / 2)) + 1
        lie = "lies" if most == 1 else "lie"
        said.append(
            f"Half of all suspected pixels {lie} in {most:,} of {counted(len(flagged), 'mask')}."
        )
    known = [(rate, k) for k, rate in enumerate(error_rates) if defined(rate)]
    if known and max(known)[0] > 0:
        rate, k = max(known)
        said.append(
            f"The class that is wrong most often is “{class_names[k]}”: an estimated "
            f"{share(rate)} of the pixels drawn as it belong to another class."
        )
    return said
