"""Keys of earlier steps, oldest out first."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class KeyQueue:
    """A ring of rows: for each both keys of an image, and what the classifier said of it.

    Args:
        capacity: Q, rows; 0 = always empty.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._rows: list[Tensor] = []
        self._next = 0
        self.count = 0

    def push(self, *columns: Tensor) -> None:
        """Add n rows, forgetting as many of the oldest as don't fit.

        Args:
            columns: tensors (n, ...), the same ones at every call; detached copies are kept.
        """
        if self.capacity == 0:
            return
        columns = tuple(column.detach()[-self.capacity :] for column in columns)
        if not self._rows:
            self._rows = [c.new_zeros((self.capacity, *c.shape[1:])) for c in columns]
        n = len(columns[0])
        places = torch.arange(self._next, self._next + n, device=columns[0].device) % self.capacity
        for rows, column in zip(self._rows, columns, strict=True):
            rows[places] = column.to(rows)
        self._next = (self._next + n) % self.capacity
        self.count = min(self.count + n, self.capacity)

    def rows(self) -> list[Tensor]:
        """The columns, (count, ...) each, in no promised order; an empty list before any push."""
        return [rows[: self.count] for rows in self._rows]

    def oldest_first(self) -> list[Tensor]:
        """The columns in the order in which their rows came."""
        shift = -self._next if self.count == self.capacity else 0
        return [torch.roll(rows, shift, 0) for rows in self.rows()]

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values for a checkpoint."""
        return {
            "rows": [rows.cpu() for rows in self._rows],
            "next": self._next,
            "count": self.count,
        }

    def load_state_dict(self, state: dict[str, Any], device: torch.device | str = "cpu") -> None:
        """Take back :meth:`state_dict`."""
        self._rows = [rows.to(device) for rows in state["rows"]]
        self._next, self.count = int(state["next"]), int(state["count"])
