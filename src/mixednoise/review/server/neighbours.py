"""The samples that look most alike to the networks: one pass over the features, on demand."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.errors import RunError

#: Rows whose features are in memory at a time.
_CHUNK = 8192
_REMEMBERED = 512


class Neighbours:
    """Nearest samples by cosine similarity. Several threads may use it.

    Args:
        path: ``features.npy``, float16 (N, D), rows of length 1 or 0.
        count: N, as in the table.

    Raises:
        RunError: no such file, a damaged one, or one of another table.
    """

    def __init__(self, path: Path, count: int) -> None:
        try:
            self._features: Any = np.load(path, mmap_mode="r", allow_pickle=False)
            shape, kind = self._features.shape, self._features.dtype.kind
        except (OSError, ValueError, EOFError) as error:
            raise RunError(
                f"{path} can't be read",
                expected="features as `mixednoise audit` writes them",
                found=getattr(error, "strerror", None) or str(error).splitlines()[0],
                fix="audit again into another folder",
            ) from error
        if len(shape) != 2 or shape[0] != count or kind != "f":
            raise RunError(
                f"{path} does not belong to this audit",
                expected=f"numbers of shape ({count}, D)",
                found=f"{self._features.dtype} of shape {shape}",
                fix="audit again into another folder",
            )
        self._known: dict[tuple[int, int], list[tuple[int, float]]] = {}
        self._lock = threading.Lock()

    def of(self, row: int, count: int) -> list[tuple[int, float]]:
        """The ``count`` samples nearest to one, nearest first, with similarities in [-1, 1]."""
        with self._lock:
            if (row, count) not in self._known:
                if len(self._known) >= _REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[row, count] = self._search(row, count)
            return self._known[row, count]

    def _search(self, row: int, count: int) -> list[tuple[int, float]]:
        query = np.asarray(self._features[row], np.float32)
        if not np.any(query):
            return []
        rows, best = np.empty(0, np.int64), np.empty(0, np.float32)
        for start in range(0, len(self._features), _CHUNK):
            part = np.asarray(self._features[start : start + _CHUNK], np.float32)
            found = np.nan_to_num(part @ query, nan=-1.0)
            if start <= row < start + len(found):
                found[row - start] = -np.inf
            rows = np.concatenate([rows, np.arange(start, start + len(found))])
            best = np.concatenate([best, found])
            # Lowest row first among equals, so that one question has one answer.
            keep = np.lexsort((rows, -best))[:count]
            rows, best = rows[keep], best[keep]
        return [
            (int(other), float(np.clip(similarity, -1, 1)))
            for other, similarity in zip(rows, best, strict=True)
            if similarity > -np.inf
        ]
