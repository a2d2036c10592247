"""The sentences at the top of the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mixednoise.data.report import counted
from mixednoise.pages.numbers import defined, share


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
