"""What a network learns from: windows of images, their masks, and what is suspected of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from mixednoise.models.normalisation import Statistics
from mixednoise.segmentation.learner import Windows
from mixednoise.segmentation.views import PatchSettings, augment, patch_batch

Array = np.ndarray[Any, Any]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


class Cases(Protocol):
    """Decoded images by case: the case store, or arrays in a test."""

    def image(self, index: int) -> Array:
        """Image (C, *S)."""
        ...

    def mask(self, index: int) -> Array:
        """Given mask uint8 (*S)."""
        ...

    def shape(self, index: int) -> tuple[int, ...]:
        """S."""
        ...

    def mean(self, index: int) -> Array:
        """Mean of each channel (C,)."""
        ...

    def std(self, index: int) -> Array:
        """Standard deviation of each channel (C,)."""
        ...


class LearningSet:
    """Training windows of some cases; volumes are sets of slices to a network of two dimensions.

    Args:
        cases: where images and masks come from.
        indices: the cases that are learned from.
        spatial_dims: 2 or 3, of the network.
        patch_size: side of the windows.
        settings: how windows are chosen and changed.
        judged: maps of what earlier networks say of each case, by name, each a function of the
            index that gives an array over *S: ``flagged`` (bool) and, where the targets need it,
            ``proposed`` (floating point (K, *S)).
    """

    def __init__(
        self,
        cases: Cases,
        indices: Sequence[int] | IntArray,
        *,
        spatial_dims: int,
        patch_size: int,
        settings: PatchSettings,
        judged: Mapping[str, Callable[[int], Array]] | None = None,
    ) -> None:
        self.cases, self.settings = cases, settings
        self.window = (patch_size,) * spatial_dims
        rows: list[tuple[int, int]] = []
        for index in (int(i) for i in indices):
            shape = cases.shape(index)
            slices = range(shape[0]) if len(shape) > spatial_dims else (-1,)
            rows.extend((index, number) for number in slices)
        self.rows = np.array(rows, dtype=np.int64).reshape(-1, 2)
        self._maps: dict[str, Callable[[int], Array]] = {"mask": cases.mask, **(judged or {})}

    def __len__(self) -> int:
        """Windows per epoch: one per image, or per slice."""
        return len(self.rows)

    def load(self, rows: IntArray, seed: Sequence[int]) -> tuple[Tensor, dict[str, Tensor]]:
        """Cut one window from each of some rows, on the CPU.

        Args:
            rows: positions 0..len-1.
            seed: of the windows' places.
        """
        chosen = self.rows[rows]

        def part(give: Callable[[int], Array]) -> Callable[[int], Array]:
            def one(position: int) -> Array:
                case, number = chosen[position]
                array = give(int(case))
                if number < 0:
                    return array
                # The axis of the slices is the third from the end, whatever stands before it.
                return array[..., int(number), :, :]

            return one

        return patch_batch(
            part(self.cases.image),
            {name: part(give) for name, give in self._maps.items()},
            range(len(rows)),
            self.window,
            np.random.default_rng(tuple(seed)),
            self.settings,
        )

    def windows(
        self,
        rows: IntArray,
        loaded: tuple[Tensor, dict[str, Tensor]],
        device: torch.device,
        generator: torch.Generator,
    ) -> Windows:
        """Move what :meth:`load` cut to the device and augment it there."""
        images, maps = loaded
        images = images.to(device, non_blocking=True)
        maps = {name: value.to(device, non_blocking=True) for name, value in maps.items()}
        images, maps = augment(images, maps, self.settings, generator)
        return Windows(
            images,
            self._statistics(rows, device),
            maps["mask"],
            maps.get("flagged"),
            maps.get("proposed"),
        )

    def _statistics(self, rows: IntArray, device: torch.device) -> Statistics:
        """Of the whole images: a window has others."""
        cases = self.rows[rows, 0].tolist()
        mean, std = (
            torch.from_numpy(np.stack([give(case) for case in cases]).astype(np.float32))
            for give in (self.cases.mean, self.cases.std)
        )
        return mean.to(device), std.to(device)
