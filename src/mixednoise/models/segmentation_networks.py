"""The networks that segment, by name: this package's residual U-Net and three of MONAI's.

::

    name                parameters (*)   divisor   from
    residual_unet            1,156,034         8   mixednoise.models.unet
    residual_unet_slim         290,146         8   the same with half of every width, for CPUs
    residual_unet_paper      1,151,932         8   the same with the published head (fragile)
    unet                     1,627,597        16   MONAI, residual units, batch normalisation
    segresnet                1,576,402         8   MONAI
    flexible_unet            5,366,686        32   MONAI, encoder EfficientNet-B0

(*) in two dimensions, one channel in, two classes out.

All of them take two or three dimensions and draw no random numbers while they run (no dropout, no
stochastic depth): a training step depends on weights and batch only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from mixednoise.errors import ConfigError
from mixednoise.models.unet import WIDTHS, ResidualUNet

# EfficientNet-PyTorch numbers the blocks throughout; MONAI puts the stage before that number.
_STAGED_BLOCK: Final = re.compile(r"_blocks\.\d+\.(\d+\..+)")


@dataclass(frozen=True)
class Architecture:
    """How a network is made, and what it asks of an image.

    Attributes:
        make: (input channels, classes, spatial dimensions) -> network with random weights.
        divisor: every side of an image must be a multiple of it.
    """

    make: Callable[[int, int, int], nn.Module]
    divisor: int


def _residual_unet(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    return ResidualUNet(in_channels, num_classes, spatial_dims=spatial_dims)


def _residual_unet_paper(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    return ResidualUNet(in_channels, num_classes, spatial_dims=spatial_dims, head=num_classes)


def _residual_unet_slim(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    widths = [width // 2 for width in WIDTHS]
    return ResidualUNet(in_channels, num_classes, spatial_dims=spatial_dims, widths=widths)


def _unet(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    from monai.networks.nets.unet import UNet

    network: nn.Module = UNet(
        spatial_dims=spatial_dims,
        in_channels=in_channels,
        out_channels=num_classes,
        channels=(16, 32, 64, 128, 256),
        strides=(2, 2, 2, 2),
        num_res_units=2,
        norm="batch",
    )
    return network


def _segresnet(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    from monai.networks.nets.segresnet import SegResNet

    network: nn.Module = SegResNet(
        spatial_dims=spatial_dims,
        init_filters=16,
        in_channels=in_channels,
        out_channels=num_classes,
    )
    return network


def _flexible_unet(in_channels: int, num_classes: int, spatial_dims: int) -> nn.Module:
    from monai.networks.nets.flexible_unet import FlexibleUNet

    network: nn.Module = FlexibleUNet(
        in_channels=in_channels,
        out_channels=num_classes,
        backbone="efficientnet-b0",
        pretrained=False,
        spatial_dims=spatial_dims,
        is_pad=False,
    )
    encoder: Any = network.encoder
    # The classifier's last layers: never run here, a quarter of the file, and without gradients
    # they stop training on several devices.
    for unused in ("_conv_head", "_conv_head_padding", "_bn1", "_avg_pooling", "_dropout", "_fc"):
        setattr(encoder, unused, nn.Identity())
    for module in encoder.modules():
        if hasattr(module, "drop_connect_rate"):
            module.drop_connect_rate = 0.0
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            # MONAI's 0.01 needs about 500 steps before the running statistics mean anything.
            module.momentum = 0.1
    return network


_ARCHITECTURES: Final[dict[str, Architecture]] = {
    "residual_unet": Architecture(_residual_unet, 8),
    "residual_unet_slim": Architecture(_residual_unet_slim, 8),
    "residual_unet_paper": Architecture(_residual_unet_paper, 8),
    "unet": Architecture(_unet, 16),
    "segresnet": Architecture(_segresnet, 8),
    # Below 32 px a depthwise convolution of 5 finds no image to look at.
    "flexible_unet": Architecture(_flexible_unet, 32),
}

#: Names of the networks.
SEGMENTERS: Final = tuple(_ARCHITECTURES)


def architecture(name: str) -> Architecture:
    """Look a network up.

    Raises:
        ConfigError: there is none of that name.
    """
    check_segmenter(name)
    return _ARCHITECTURES[name]


def check_segmenter(name: str) -> None:
    """Refuse a name that isn't one of ``SEGMENTERS``; nothing is built.

    Raises:
        ConfigError: no such network; the nearest names are given.
    """
    if name in _ARCHITECTURES:
        return
    nearest = difflib.get_close_matches(name, SEGMENTERS, n=2, cutoff=0.4)
    raise ConfigError(
        f"there is no segmentation network {name!r}",
        expected=f"one of {', '.join(SEGMENTERS)}",
        found=name,
        fix=f"did you mean {' or '.join(nearest)}?" if nearest else "choose one of these names",
    )


def fill_imagenet_encoder(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fill a ``flexible_unet``'s encoder, in place, with published ImageNet weights.

    A grey image is what an RGB image of three equal channels would be: its first convolution is the
    sum over the colours.

    Args:
        network: what :func:`architecture` makes for ``flexible_unet`` in two dimensions.
        tensors: the file of EfficientNet-B0 of the EfficientNet-PyTorch project.

    Raises:
        ConfigError: the images have neither one nor three channels, or a tensor is missing or has
            another shape; the network is as it was.
    """
    own: dict[str, Tensor] = network.encoder.state_dict()  # type: ignore[union-attr]
    chosen: dict[str, Tensor] = {}
    for name, target in own.items():
        if name.endswith("num_batches_tracked"):  # of no use to a norm with momentum
            continue
        staged = _STAGED_BLOCK.fullmatch(name)
        given = tensors.get(f"_blocks.{staged[1]}" if staged else name)
        if given is not None and name == "_conv_stem.weight" and target.shape[1] == 1:
            given = given.sum(dim=1, keepdim=True)
        if given is None or given.shape != target.shape:
            raise ConfigError(
                "the ImageNet weights don't fit this network",
                expected=f"{name} of shape {tuple(target.shape)}; images of 1 or 3 channels",
                found="nothing of that name" if given is None else f"shape {tuple(given.shape)}",
                fix="leave the ImageNet weights out for images of other channels",
            )
        chosen[name] = given
    with torch.no_grad():
        for name, tensor in chosen.items():
            own[name].copy_(tensor)
