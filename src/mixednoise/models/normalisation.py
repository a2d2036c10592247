"""What a segmenter does to raw intensities first: z-scores, known statistics, or a fixed window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from mixednoise.errors import ConfigError, DataError

Kind = Literal["image", "dataset", "range"]

#: Mean and standard deviation, float32 (B, C) each.
Statistics = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Normalisation:
    """How raw intensities become what a network was trained with, for each channel on its own.

    ``image``
        ``(x - mean) / std`` of each image: for scanners whose unit means nothing (MRI).
    ``dataset``
        ``(x - mean) / std`` of all training images: for colour.
    ``range``
        ``(x - low) / (high - low)``, cut to [0, 1]: a CT window, or 0 to 255 for 8-bit images.

    Use the three constructors of these names.

    Attributes:
        kind: one of the above.
        offset: mean or low of each channel; a single one serves every channel; none for ``image``.
        scale: std, or high - low, above 0.

    Raises:
        ConfigError: numbers that aren't finite, or a scale that isn't above 0.
    """

    kind: Kind = "image"
    offset: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.offset)
        numbers = (*self.offset, *self.scale)
        if (
            self.kind not in get_args(Kind)
            or len(self.scale) != count
            or (count == 0) != (self.kind == "image")
            or not all(math.isfinite(number) for number in numbers)
            or any(number <= 0 for number in self.scale)
        ):
            raise ConfigError(
                "images can't be normalised by these numbers",
                expected="image without numbers; dataset with a mean and a std above 0, or range "
                "with low below high, of each channel; all finite",
                found=f"{self.kind}: offset {self.offset}, scale {self.scale}",
                fix="a std of 0 means that a channel is the same everywhere: check the images",
            )

    @classmethod
    def image(cls) -> Normalisation:
        """Z-scores of each image."""
        return cls("image")

    @classmethod
    def dataset(cls, mean: float | Sequence[float], std: float | Sequence[float]) -> Normalisation:
        """Z-scores by the training images' mean and std: a number, or one per channel."""
        return cls("dataset", _numbers(mean), _numbers(std))

    @classmethod
    def range(cls, low: float | Sequence[float], high: float | Sequence[float]) -> Normalisation:
        """A window from low (0) to high (1): a number, or one per channel."""
        lows, highs = _numbers(low), _numbers(high)
        # Of different lengths: as they are, for the check to name them.
        same = len(lows) == len(highs)
        widths = tuple(b - a for a, b in zip(lows, highs, strict=True)) if same else highs
        return cls("range", lows, widths)

    def config(self) -> dict[str, Any]:
        """Plain values, JSON-able."""
        plain = asdict(self)
        return {**plain, "offset": list(self.offset), "scale": list(self.scale)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Normalisation:
        """Rebuild what ``config()`` described.

        Raises:
            ConfigError: other values than that gives.
        """
        return cls(config["kind"], _numbers(config["offset"]), _numbers(config["scale"]))


def image_statistics(images: Tensor) -> Statistics:
    """Mean and standard deviation (over all pixels, no Bessel correction) of each channel.

    Args:
        images: any real dtype, (B, C, *S); whole images, not the patches cut from them.

    Returns:
        float32 (B, C) each.
    """
    std, mean = torch.std_mean(images.to(torch.float32).flatten(2), dim=2, correction=0)
    return mean, std


class Normaliser(nn.Module):
    """The first layer of a segmenter: raw intensities in, normalised float32 out.

    Args:
        settings: what to do.
        channels: C.

    Raises:
        ConfigError: the settings are for another number of channels.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, settings: Normalisation, channels: int) -> None:
        super().__init__()
        if len(settings.offset) not in (0, 1, channels):
            raise ConfigError(
                "the normalisation is for other images",
                expected=f"one number, or one for each of {channels} channels",
                found=f"{len(settings.offset)} numbers",
                fix="take the statistics of the images that the network is trained with",
            )
        self.settings = settings
        fill = channels if settings.kind != "image" else 0
        for name, values in (("offset", settings.offset), ("scale", settings.scale)):
            tensor = torch.tensor(values, dtype=torch.float32)
            self.register_buffer(name, tensor.expand(fill).clone())

    def forward(self, images: Tensor, statistics: Statistics | None = None) -> Tensor:
        """Normalise raw images, or patches of them.

        Args:
            images: any real dtype, (B, C, *S); not changed.
            statistics: only for ``image``: of the whole images that these are patches of, see
                :func:`image_statistics`; by default each is taken for a whole image.

        Returns:
            float32 (B, C, *S). A channel that is the same everywhere becomes 0.

        Raises:
            DataError: statistics of another shape.
        """
        x = images.to(torch.float32)
        if self.settings.kind != "image":
            shape = (1, -1, *[1] * (x.ndim - 2))
            x = (x - self.offset.view(shape)) / self.scale.view(shape)
            return x.clamp_(0.0, 1.0) if self.settings.kind == "range" else x
        mean, std = image_statistics(x) if statistics is None else statistics
        if mean.shape != x.shape[:2] or std.shape != mean.shape:
            raise DataError(
                "the statistics are of other images",
                expected=f"a mean and a std of shape {tuple(x.shape[:2])}",
                found=f"{tuple(mean.shape)} and {tuple(std.shape)}",
                fix="take them with image_statistics from the same batch of images",
            )
        shape = (*mean.shape, *[1] * (x.ndim - 2))
        # A constant channel: its rounding errors must not be blown up to a pattern.
        usable = std > 1e-6 * mean.abs()
        factor = torch.where(usable, 1.0 / std.clamp_min(torch.finfo(std.dtype).tiny), 0.0)
        return (x - mean.to(x).view(shape)) * factor.to(x).view(shape)


def _numbers(values: float | Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in np.ravel(values))
