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
        self._streak = [0] * len(class_names)
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
        lines = self._vanished(epoch, labels, probabilities)
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

    def _vanished(self, epoch: int, labels: IntArray, probabilities: FloatArray) -> list[str]:
        """Classes that were predicted in each of the last ``window`` epochs, and now are not.

        Young networks skip rare classes now and then; what was established and is lost counts.
        """
        predicted = set(np.unique(probabilities.argmax(axis=1)).tolist())
        lost = []
        for c in sorted(set(np.unique(labels).tolist()) | predicted):
            if c not in predicted and self._streak[c] >= self.window:
                lost.append(c)
            self._streak[c] = self._streak[c] + 1 if c in predicted else 0
        return [
            f"epoch {epoch + 1}: class {self.class_names[c]!r} is no longer predicted on the "
            "validation split; try a smaller --lr, or a longer warm-up where the method has one"
            for c in lost
        ]

    def state_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {
            "warmup": self._warmup,
            "main": self._main,
            "streak": self._streak,
            "warned": self._warned,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back :meth:`state_dict`."""
        self._warmup, self._main = list(state["warmup"]), list(state["main"])
        self._streak, self._warned = list(state["streak"]), bool(state["warned"])
