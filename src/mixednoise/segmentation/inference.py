"""Probabilities of whole images: in one piece where they fit, by a sliding window where not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from mixednoise.models.normalisation import Statistics, image_statistics
from mixednoise.models.segmenters import Segmenter
from mixednoise.segmentation.config import SegmentationConfig

Image = np.ndarray[Any, np.dtype[Any]]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]

#: Share of a window that its neighbour covers again; nnU-Net takes a half, at twice the cost.
OVERLAP = 0.25


class Images(Protocol):
    """Whatever gives images by number: the case store, or arrays in a test."""

    def image(self, index: int) -> Image:
        """Image (C, *S)."""
        ...


class ArrayImages:
    """Images that are in memory already."""

    def __init__(self, arrays: Sequence[Image]) -> None:
        self._arrays = arrays

    def image(self, index: int) -> Image:
        """Image (C, *S)."""
        return self._arrays[index]


class Predictor:
    """Passes images through a segmenter: evaluation mode, no gradient.

    Args:
        fabric: device and precision.
        segmenter: takes raw intensities (B, C, *S); volumes go slice by slice through one of two
            dimensions.
        window: side lengths (spatial_dims,) that the network has learned from. Longer images are
            passed by a sliding window; shorter ones are padded by their edges, as in training: a
            network that first meets the border of an image in its own zero padding errs there.
        batch_size: images, slices or windows at a time.
        padding: with what; see :class:`~mixednoise.segmentation.patch_settings.PatchSettings`.
    """

    def __init__(
        self,
        fabric: Any,
        segmenter: Segmenter,
        *,
        window: Sequence[int],
        batch_size: int = 8,
        padding: Literal["edge", "zeros"] = "edge",
    ) -> None:
        self.fabric, self.segmenter, self.batch_size = fabric, segmenter, batch_size
        self.padding = padding
        self.spatial_dims, self.divisor = segmenter.spatial_dims, segmenter.divisor
        self.window = tuple(_up(side, self.divisor) for side in window)

    def predict(self, images: Images, indices: Iterable[int]) -> Iterator[tuple[int, FloatArray]]:
        """Yield (index, probabilities float32 (K, *S)) in order; neighbours of one size together.

        Args:
            images: where images come from.
            indices: which of them.
        """
        waiting: list[tuple[int, Image]] = []
        for index in indices:
            image = images.image(index)
            if image.ndim - 1 != self.spatial_dims:
                yield from self._together(waiting)
                waiting = []
                yield index, self._by_slice(image)
                continue
            other = waiting and waiting[0][1].shape != image.shape
            if other or len(waiting) == self.batch_size:
                yield from self._together(waiting)
                waiting = []
            waiting.append((index, image))
        yield from self._together(waiting)

    def _together(self, waiting: list[tuple[int, Image]]) -> Iterator[tuple[int, FloatArray]]:
        if waiting:
            found = self._probabilities([image for _, image in waiting])
            for (index, _), probabilities in zip(waiting, found, strict=True):
                yield index, probabilities

    def _by_slice(self, volume: Image) -> FloatArray:
        """A volume (C, D, H, W) through a 2-D network, normalised as a whole."""
        whole = image_statistics(torch.from_numpy(volume.astype(np.float32))[None])
        parts = [
            self._probabilities([volume[:, z] for z in range(start, end)], whole)
            for start, end in _spans(volume.shape[1], self.batch_size)
        ]
        return np.ascontiguousarray(np.concatenate(parts).swapaxes(0, 1))

    @torch.inference_mode()
    def _probabilities(self, images: list[Image], whole: Statistics | None = None) -> FloatArray:
        """Softmax of images of one size, float32 (B, K, *S).

        Args:
            images: raw (C, *S).
            whole: statistics of what these are slices of; None = each is whole.
        """
        device, was_training = self.fabric.device, self.segmenter.training
        batch = torch.from_numpy(np.stack(images).astype(np.float32)).to(device)
        # Before anything is cut or added: windows and padding have other statistics.
        mean, std = image_statistics(batch) if whole is None else whole
        statistics = mean.expand(len(images), -1).to(device), std.expand(len(images), -1).to(device)
        self.segmenter.eval()
        try:
            with self.fabric.autocast():
                logits = self._logits(batch, statistics)
            found: FloatArray = torch.softmax(logits.float(), dim=1).cpu().numpy()
        finally:
            self.segmenter.train(was_training)
        return found

    def _logits(self, batch: Tensor, statistics: Statistics) -> Tensor:
        """Of raw images of one size, (B, K, *S)."""
        sides = batch.shape[2:]
        before = [max(most - side, 0) // 2 for side, most in zip(sides, self.window, strict=True)]
        padding: list[int] = []
        # torch counts from the last dimension, (before, after) each.
        for side, most, first in reversed(list(zip(sides, self.window, before, strict=True))):
            padding += [first, max(most - side, 0) - first]
        if any(padding):
            mode = "replicate" if self.padding == "edge" else "constant"
            batch = nn.functional.pad(batch, padding, mode=mode)
        batch = self.segmenter.normaliser(batch, statistics)
        longer = any(side > most for side, most in zip(sides, self.window, strict=True))
        logits: Tensor = self._sliding(batch) if longer else self.segmenter.network(batch)
        for axis, (side, first) in enumerate(zip(sides, before, strict=True)):
            logits = logits.narrow(axis + 2, first, side)
        return logits

    def _sliding(self, batch: Tensor) -> Tensor:
        from monai.inferers import sliding_window_inference

        found = sliding_window_inference(
            batch,
            self.window,
            self.batch_size,
            self.segmenter.network,
            overlap=OVERLAP,
            mode="gaussian",
        )
        assert isinstance(found, Tensor)  # noqa: S101 - one input, one output
        return found


def make_predictor(fabric: Any, segmenter: Segmenter, config: SegmentationConfig) -> Predictor:
    """The predictor of a network that was trained with these options, ``auto`` resolved."""
    window = (int(config.patch_size),) * config.spatial_dims
    return Predictor(
        fabric,
        segmenter,
        window=window,
        batch_size=config.batch_size,
        padding=config.patches.padding,
    )


def resized_probabilities(probabilities: FloatArray, shape: Sequence[int]) -> FloatArray:
    """Bilinear (2-D) or trilinear (3-D) resize (K, *S) -> (K, *shape); still sums to 1."""
    if probabilities.shape[1:] == tuple(shape):
        return probabilities
    if len(shape) == 2:
        import cv2

        size = (int(shape[1]), int(shape[0]))
        planes = [
            cv2.resize(np.asarray(p, dtype=np.float32), size, interpolation=cv2.INTER_LINEAR)
            for p in probabilities
        ]
        return np.stack(planes)
    mode = "trilinear"
    tensor = torch.from_numpy(np.ascontiguousarray(probabilities, dtype=np.float32))[None]
    found: FloatArray = nn.functional.interpolate(tensor, size=tuple(shape), mode=mode)[0].numpy()
    return found


def _up(side: int, divisor: int) -> int:
    """The next multiple of the divisor."""
    return -(-int(side) // divisor) * divisor


def _spans(length: int, step: int) -> list[tuple[int, int]]:
    return [(start, min(start + step, length)) for start in range(0, length, step)]
