"""One pass over samples without a gradient: scores of the training set, probabilities."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mixednoise.methods.base import FloatArray, IntArray, Scores
from mixednoise.training.batches import Pixels, blocks, prefetched

Track = Callable[[Iterable[Any], str, int], Iterable[Any]]
Look = Callable[[Callable[..., list[Any]], Tensor], Any]
EVALUATION_BATCH = 128


@torch.inference_mode()
def network_probabilities(forward: Callable[..., list[Any]], images: Tensor) -> list[Tensor]:
    """Softmax of every network for uint8 images (B, 3, S, S): float32 (B, C) each."""
    pixels = (images.float() / 255).contiguous(memory_format=torch.channels_last)
    return [torch.softmax(logits.float(), dim=1) for logits in forward(pixels)]


def looks_at(forward: Callable[..., list[Any]], images: Tensor, *, mirrored: bool) -> Tensor:
    """Every network's look at the images and, where wanted, at their mirror images.

    Args:
        forward: float (B, 3, S, S) -> logits (B, C) of each of M networks.
        images: uint8 (B, 3, S, S).
        mirrored: left and right mean nothing in these images.

    Returns:
        Softmax, float32 (L, B, C): of the M networks, then, ``mirrored``, of them again: L = 2 M.
    """
    seen = network_probabilities(forward, images)
    if mirrored:
        seen += network_probabilities(forward, images.flip(-1))
    return torch.stack(seen)


class Evaluator:
    """Passes samples through the networks in eval mode, shared between the processes.

    Args:
        fabric: device, precision, processes.
        module: the bare networks, not the wrapper that synchronises gradients: processes pass
            different numbers of blocks, and the wrapper would wait for the other ones.
        pixels: where images come from.
    """

    def __init__(self, fabric: Any, module: nn.Module, pixels: Pixels) -> None:
        self.fabric, self.module, self.pixels = fabric, module, pixels

    def _passes(
        self,
        store_rows: IntArray,
        track: Track | None,
        description: str,
        look: Look = network_probabilities,
    ) -> Iterable[tuple[IntArray, Any]]:
        mine = blocks(
            len(store_rows),
            EVALUATION_BATCH,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
        )
        batches: Iterable[Any] = prefetched(self.pixels, mine, store_rows, self.fabric.device)
        if track is not None:
            batches = track(batches, description, len(mine))
        was_training = self.module.training
        self.module.eval()
        try:
            for rows, images in batches:
                with self.fabric.autocast():
                    seen = look(self.module, images)
                yield rows, seen
        finally:
            self.module.train(was_training)

    def _everywhere(self, values: np.ndarray[Any, Any], rows: IntArray) -> np.ndarray[Any, Any]:
        """Sum of what each process filled in (the rest being zero): the whole, on every process."""
        if self.fabric.world_size == 1:
            return values
        total = self.fabric.all_reduce(
            torch.from_numpy(values).to(self.fabric.device), reduce_op="sum"
        )
        result: np.ndarray[Any, Any] = total.cpu().numpy()
        return result

    def probabilities(
        self, store_rows: IntArray, num_classes: int, track: Track | None = None
    ) -> FloatArray:
        """Mean softmax of the networks, float64 (N, C)."""
        result = np.zeros((len(store_rows), num_classes))
        for rows, by_network in self._passes(store_rows, track, "evaluating"):
            result[rows] = torch.stack(by_network).mean(0).cpu().numpy()
        return self._everywhere(result, store_rows)

    def looks(
        self,
        store_rows: IntArray,
        shape: tuple[int, int],
        *,
        mirrored: bool,
        track: Track | None = None,
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """What :func:`looks_at` says, float32 (N, L, C); ``shape`` is (L, C)."""
        result = np.zeros((len(store_rows), *shape), np.float32)
        look = functools.partial(looks_at, mirrored=mirrored)
        for rows, seen in self._passes(store_rows, track, "judging", look):
            result[rows] = seen.movedim(0, 1).cpu().numpy()
        return self._everywhere(result, store_rows)

    def scores(self, store_rows: IntArray, labels: IntArray, track: Track | None = None) -> Scores:
        """Loss, entropy and prediction of every network for every sample.

        Args:
            store_rows: rows in the pixel store (N,).
            labels: given labels (N,).
            track: shows progress.
        """
        packed: np.ndarray[Any, Any] | None = None
        everything: np.ndarray[Any, np.dtype[np.float32]] | None = None
        for rows, by_network in self._passes(store_rows, track, "scoring"):
            p = torch.stack(by_network).clamp_min(1e-12)
            if packed is None or everything is None:
                packed = np.zeros((4, len(p), len(store_rows)))
                everything = np.zeros((len(p), len(store_rows), p.shape[2]), np.float32)
            given = torch.from_numpy(labels[rows]).to(p.device)
            given = given.expand(len(p), -1).unsqueeze(-1)
            confidence, predicted = p.max(dim=2)
            values = (
                -p.gather(2, given).squeeze(-1).log(),
                -(p * p.log()).sum(dim=2),
                predicted.float(),
                confidence,
            )
            packed[:, :, rows] = torch.stack(values).cpu().numpy()
            everything[:, rows] = p.cpu().numpy()
        if packed is None or everything is None:  # more processes than blocks
            members: Any = getattr(self.module, "members")  # noqa: B009
            packed = np.zeros((4, len(members), len(store_rows)))
            classes: int = members[0].num_classes
            everything = np.zeros((len(members), len(store_rows), classes), np.float32)
        loss, entropy, predicted_class, best = self._everywhere(packed, store_rows)
        p_everywhere = self._everywhere(everything, store_rows)
        return Scores(loss, entropy, predicted_class.astype(np.int64), best, p_everywhere)
