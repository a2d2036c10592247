"""What a finished fold of a cross-validation leaves: its judgement, and what it was made from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mixednoise.methods.base import FloatArray


def read_judged(folder: Path, key: str, shape: tuple[int, int]) -> tuple[FloatArray, float] | None:
    """Probabilities and seconds of a finished fold; None where there is none for these data.

    Args:
        folder: of the fold.
        key: tells data and options.
        shape: of the probabilities.
    """
    told, values = folder / "judged.json", folder / "judged.npy"
    if not told.exists() or not values.exists():
        return None
    known = json.loads(told.read_text(encoding="utf-8"))
    if known.get("key") != key:
        return None
    found = np.load(values, allow_pickle=False)
    return (found, float(known["seconds"])) if found.shape == shape else None
