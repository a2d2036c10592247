"""Watches validation and says at once what goes wrong, with the epoch and what to try."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.methods.base import FloatArray, IntArray


class Guard:
    """Notices a class that is no longer predicted, and training that gets worse after warm-up.

    Args:
        class_names: C names.
        metric: name of the validation metric in words.
        margin: how far the mean of the last ``window`` epochs may lie below the end of the warm-up.
        window: epochs averaged.
    """

    def __init__(
        self, class_names: tuple[str, ...], metric: str, *, margin: float = 0.03, window: int = 3
    ) -> None:
        self.class_names, self.metric = class_names, metric
        self.margin, self.window = margin, window
        self._warmup: list[float] = []
        self._main: list[float] = []
        self._missing: set[int] = set()
        self._warned = False

    def look(
        self,
        epoch: int,
        *,
        warming_up: bool,
        labels: IntArray,
        probabilities: FloatArray,
        value: float,
    ) -> list[str]:
        """Take in one epoch's validation; return the lines worth showing.

        Args:
            epoch: 0-based.
            warming_up: whether this was a warm-up epoch.
            labels: given validation labels (N,).
            probabilities: predictions (N, C).
            value: the metric.
        """
        lines = self._vanished(epoch, warming_up, labels, probabilities)
        if not np.isfinite(value):
            return lines
        (self._warmup if warming_up else self._main).append(value)
        if self._warned or len(self._main) < self.window or not self._warmup:
            return lines
        before = float(np.mean(self._warmup[-self.window :]))
        now = float(np.mean(self._main[-self.window :]))
        if now < before - self.margin:
            self._warned = True
            lines.append(
                f"epoch {epoch + 1}: validation {self.metric} fell from {before:.3f} at the end of "
                f"the warm-up to {now:.3f}: separation may hurt on this data; compare with "
                "--method cross_entropy, warm up longer (--warmup-epochs), or look at "
                "separation.csv for classes that fell back"
            )
        return lines

    def _vanished(
        self, epoch: int, warming_up: bool, labels: IntArray, probabilities: FloatArray
    ) -> list[str]:
        predicted = np.unique(probabilities.argmax(axis=1))
        missing = set(np.unique(labels).tolist()) - set(predicted.tolist())
        new = sorted(missing - self._missing)
        if warming_up:
            # Young networks often skip rare classes; it counts once they had time to learn.
            return []
        self._missing = missing
        return [
            f"epoch {epoch + 1}: class {self.class_names[c]!r} is no longer predicted on the "
            "validation split; try a longer warm-up, --set class_balance=weights, or a smaller "
            "--lr"
            for c in new
        ]

    def state_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {
            "warmup": self._warmup,
            "main": self._main,
            "missing": sorted(self._missing),
            "warned": self._warned,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back :meth:`state_dict`."""
        self._warmup, self._main = list(state["warmup"]), list(state["main"])
        self._missing, self._warned = set(state["missing"]), bool(state["warned"])
