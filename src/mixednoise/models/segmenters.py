"""Segmentation networks that are ready to train, to save and to run on raw images.

::

    segmenter = build_segmenter("residual_unet", in_channels=1, num_classes=2)
    logits = segmenter(images)                    # (B, 1, H, W) raw intensities -> (B, 2, H, W)
    save_segmenter("student.safetensors", segmenter, {"class_names": names})
    segmenter, metadata = load_segmenter("student.safetensors")
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch

from mixednoise.errors import ConfigError
from mixednoise.models.normalisation import Normalisation, image_statistics
from mixednoise.models.segmentation_networks import (
    SEGMENTERS,
    check_segmenter,
    fill_imagenet_encoder,
)
from mixednoise.models.segmenter import Segmenter
from mixednoise.models.segmenter_files import load_segmenter, save_segmenter

__all__ = [
    "SEGMENTERS",
    "Normalisation",
    "Segmenter",
    "build_segmenter",
    "check_segmenter",
    "image_statistics",
    "load_segmenter",
    "save_segmenter",
]

#: What ``weights`` is called where it is no file.
IMAGENET: Final = "imagenet"


def build_segmenter(
    name: str = "residual_unet",
    *,
    in_channels: int,
    num_classes: int,
    spatial_dims: int = 2,
    weights: Path | str | None = None,
    normalisation: Normalisation | None = None,
) -> Segmenter:
    """Build a segmenter, with weights if asked for.

    Args:
        name: one of ``SEGMENTERS``.
        in_channels: C of the images.
        num_classes: K, background included.
        spatial_dims: 2 or 3.
        weights: a file of :func:`save_segmenter` to start from: the same network for any number of
            classes (``left_at_random`` names what did not fit); or ``"imagenet"`` for the encoder
            of ``flexible_unet`` in two dimensions, downloaded on first use.
        normalisation: of the raw intensities; by default the one of the file of weights, else
            z-scores of each image.

    Raises:
        ConfigError: an option that can't be, or weights that can't be had or don't fit.
        RunError: the weights are damaged or no segmenter of this package.
    """
    start = None
    if weights is not None and str(weights) != IMAGENET:
        start, _ = load_segmenter(weights)
        normalisation = normalisation or start.normalisation
    segmenter = Segmenter(
        name,
        in_channels=in_channels,
        num_classes=num_classes,
        spatial_dims=spatial_dims,
        normalisation=normalisation,
    )
    if start is not None:
        _start_from(segmenter, start, str(weights))
    elif weights is not None:
        if name != "flexible_unet" or spatial_dims != 2:
            raise ConfigError(
                f"there are no ImageNet weights for {name} in {spatial_dims} dimensions",
                expected="flexible_unet in 2 dimensions, or a file of weights",
                found=f"weights {weights}",
                fix="leave the weights out",
            )
        from mixednoise.models.sources import imagenet_weights

        file, _ = imagenet_weights("efficientnet_b0", show_progress=False)
        fill_imagenet_encoder(segmenter.network, file.tensors)
        segmenter.left_at_random = tuple(
            key for key, _ in segmenter.network.named_parameters() if not key.startswith("encoder.")
        )
    return segmenter


def _start_from(segmenter: Segmenter, start: Segmenter, source: str) -> None:
    """Copy what fits; only what depends on the number of classes may not."""
    of = ("name", "in_channels", "spatial_dims")
    wanted, given = ([getattr(s, key) for key in of] for s in (segmenter, start))
    if wanted != given:
        raise ConfigError(
            "the weights are of another network",
            expected="{}, {} channels, {} dimensions".format(*wanted),
            found="{}: {}, {} channels, {} dimensions".format(source, *given),
            fix="build the network that the weights were made for",
        )
    own, left = segmenter.network.state_dict(), []
    with torch.no_grad():
        for key, tensor in start.network.state_dict().items():
            if own[key].shape == tensor.shape:
                own[key].copy_(tensor)
            else:
                left.append(key)
    segmenter.left_at_random = tuple(left)
