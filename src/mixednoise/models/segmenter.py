"""A segmentation network that takes raw images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from torch import Tensor, nn

from mixednoise.errors import ConfigError, DataError
from mixednoise.models.normalisation import Normalisation, Normaliser, Statistics
from mixednoise.models.segmentation_networks import architecture

#: Masks are bytes, and one value of them means unlabelled.
MAX_CLASSES: Final = 254

_CONFIG_KEYS: Final = ("name", "in_channels", "num_classes", "spatial_dims")


class Segmenter(nn.Module):
    """Normalisation and network in one, so that a saved model needs nothing beside it.

    Training on patches normalises with the statistics of whole images and may augment in between::

        x = segmenter.normaliser(patches, statistics)
        logits = segmenter.network(x)

    Initialised by torch's global generator.

    Args:
        name: one of ``SEGMENTERS``.
        in_channels: C of the images.
        num_classes: K, background included, 2 to 254.
        spatial_dims: 2 or 3.
        normalisation: what is done to raw intensities; by default z-scores of each image.

    Attributes:
        divisor: every side of an image must be a multiple of it.
        left_at_random: tensors that the weights it was built with did not have.

    Raises:
        ConfigError: a value that can't be.
    """

    def __init__(
        self,
        name: str,
        *,
        in_channels: int,
        num_classes: int,
        spatial_dims: int = 2,
        normalisation: Normalisation | None = None,
    ) -> None:
        super().__init__()
        chosen = architecture(name)
        if in_channels < 1 or not 2 <= num_classes <= MAX_CLASSES or spatial_dims not in (2, 3):
            raise ConfigError(
                "a segmentation network can't have this shape",
                expected=f"1 channel or more, 2 to {MAX_CLASSES} classes (background is one), 2 or "
                "3 dimensions",
                found=f"{in_channels} channels, {num_classes} classes, {spatial_dims} dimensions",
                fix="check the class names and the images",
            )
        self.name, self.spatial_dims = name, spatial_dims
        self.in_channels, self.num_classes = in_channels, num_classes
        self.divisor = chosen.divisor
        self.left_at_random: tuple[str, ...] = ()
        self.normaliser = Normaliser(normalisation or Normalisation.image(), in_channels)
        self.network = chosen.make(in_channels, num_classes, spatial_dims)

    @property
    def normalisation(self) -> Normalisation:
        """What is done to raw intensities."""
        return self.normaliser.settings

    def forward(self, images: Tensor, statistics: Statistics | None = None) -> Tensor:
        """Segment raw images: (B, C, *S) of any real dtype -> logits (B, K, *S).

        Args:
            images: raw intensities, as they were in the training images' files.
            statistics: of the whole images where these are patches, see :class:`Normaliser`.

        Raises:
            DataError: another number of channels or dimensions, or a side that is no multiple of
                ``divisor``.
        """
        sides = tuple(images.shape[2:])
        wrong = images.ndim != 2 + self.spatial_dims or images.shape[1] != self.in_channels
        if wrong or any(side % self.divisor or not side for side in sides):
            letters = "H, W" if self.spatial_dims == 2 else "D, H, W"
            raise DataError(
                f"{self.name} can't take this batch",
                expected=f"(B, {self.in_channels}, {letters}), every side a multiple of "
                f"{self.divisor}",
                found=str(tuple(images.shape)),
                fix="check the number of channels"
                if wrong
                else "pad the images to the next multiple and crop the logits back",
            )
        return cast(Tensor, self.network(self.normaliser(images, statistics)))

    def config(self) -> dict[str, Any]:
        """Give what ``from_config`` needs to build the same network: plain values, JSON-able."""
        plain: dict[str, Any] = {key: getattr(self, key) for key in _CONFIG_KEYS}
        return {**plain, "normalisation": self.normalisation.config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Segmenter:
        """Build a segmenter, randomly initialised, from what ``config()`` gave.

        Raises:
            ConfigError: a value that can't be.
            KeyError, TypeError: it isn't the configuration of a segmenter.
        """
        normalisation = Normalisation.from_config(config["normalisation"])
        return cls(**{key: config[key] for key in _CONFIG_KEYS}, normalisation=normalisation)
