"""What a finished fold of a cross-validation leaves: its judgement, and what it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.io import atomic_write, write_json

Array = np.ndarray[Any, Any]
TOLD, VALUES = "judged.json", "judged.npy"


def write_judged(folder: Path, key: str, judged: Array, seconds: float) -> None:
    """Leave what :func:`read_judged` reads; what it was made from is written last."""
    with atomic_write(folder / VALUES) as temporary, temporary.open("wb") as file:
        np.save(file, judged)
    write_json(folder / TOLD, {"key": key, "seconds": seconds})


def read_judged(folder: Path, key: str, count: int) -> tuple[Array, float] | None:
    """Judgement and seconds of a finished fold; None where there is none for these data.

    Args:
        folder: of the fold.
        key: tells data and options.
        count: of the samples that were judged, a row each.
    """
    told, values = folder / TOLD, folder / VALUES
    if not told.exists() or not values.exists():
        return None
    known = json.loads(told.read_text(encoding="utf-8"))
    if known.get("key") != key:
        return None
    found = np.load(values, allow_pickle=False)
    return (found, float(known["seconds"])) if len(found) == count else None
