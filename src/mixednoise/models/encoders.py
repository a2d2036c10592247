"""The encoders: an image batch in, one feature vector per image out.

Thin over MONAI's 2-D networks, whose classification layer is taken off. Every builder returns
``(encoder, d)``: ``encoder`` maps float (B, 3, S, S) to float (B, d). None of MONAI's draws random
numbers while it runs (no dropout, no stochastic depth): a training step depends on weights and
batch only.
"""

from __future__ import annotations

from typing import Final

from monai.networks.nets.densenet import DenseNet121
from monai.networks.nets.efficientnet import EfficientNet
from monai.networks.nets.resnet import ResNet
from torch import nn

from mixednoise.models.backbones import TIMM_PREFIX, FixedStem

# name: (kind of block, blocks per stage, width of each stage); He et al. 2016, table 1. The slim
# one has half of every width, hence a quarter of the multiplications; the tiny one a thirtieth.
_RESNETS: Final[dict[str, tuple[str, list[int], list[int]]]] = {
    "resnet10_tiny": ("basic", [1, 1, 1, 1], [16, 32, 64, 128]),
    "resnet18_slim": ("basic", [2, 2, 2, 2], [32, 64, 128, 256]),
    "resnet18": ("basic", [2, 2, 2, 2], [64, 128, 256, 512]),
    "resnet34": ("basic", [3, 4, 6, 3], [64, 128, 256, 512]),
    "resnet50": ("bottleneck", [3, 4, 6, 3], [64, 128, 256, 512]),
}

# Tan & Le 2019, table 1: repeats, kernel, stride, expansion, channels in and out, squeeze ratio.
# MONAI keeps the list inside a class that fixes the image size to 224, and its padding is computed
# from that size: at 28 px it would lose a row and a column in every other stage.
_EFFICIENTNET_B0: Final = (
    "r1_k3_s11_e1_i32_o16_se0.25",
    "r2_k3_s22_e6_i16_o24_se0.25",
    "r2_k5_s22_e6_i24_o40_se0.25",
    "r3_k3_s22_e6_i40_o80_se0.25",
    "r3_k5_s11_e6_i80_o112_se0.25",
    "r4_k5_s22_e6_i112_o192_se0.25",
    "r1_k3_s11_e6_i192_o320_se0.25",
)


def make_encoder(backbone: str, stem: FixedStem, image_size: int) -> tuple[nn.Module, int]:
    """Build a randomly initialised encoder.

    Args:
        backbone: one of ``BACKBONES`` or ``timm:NAME``.
        stem: ``small`` or ``standard`` (ignored by timm's).
        image_size: S, side of the square images, pixels.

    Returns:
        The encoder and d, the length of its feature vectors.

    Raises:
        ConfigError: timm is missing, doesn't know the name, or its network can't take this size.
    """
    if backbone.startswith(TIMM_PREFIX):
        from mixednoise.models.timm_backbones import make_timm_encoder

        return make_timm_encoder(backbone.removeprefix(TIMM_PREFIX), image_size)
    if backbone in _RESNETS:
        return _resnet(backbone, stem)
    if backbone == "densenet121":
        return _densenet121(stem)
    return _efficientnet_b0(stem, image_size)


def _resnet(backbone: str, stem: FixedStem) -> tuple[nn.Module, int]:
    block, layers, widths = _RESNETS[backbone]
    encoder = ResNet(
        block,
        layers,
        widths,
        spatial_dims=2,
        n_input_channels=3,
        conv1_t_size=7 if stem == "standard" else 3,
        conv1_t_stride=2 if stem == "standard" else 1,  # MONAI's own default, 1, is 4 times slower
        no_max_pool=stem == "full",
        shortcut_type="B",
        bias_downsample=False,  # torchvision's layout: no bias before a batch norm
        feed_forward=False,
    )
    return encoder, widths[-1] * (4 if block == "bottleneck" else 1)


def _densenet121(stem: FixedStem) -> tuple[nn.Module, int]:
    encoder = DenseNet121(spatial_dims=2, in_channels=3, out_channels=1)
    features = int(encoder.class_layers.out.in_features)
    encoder.class_layers.out = nn.Identity()
    if stem == "small":
        first = nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
        nn.init.kaiming_normal_(first.weight)
        encoder.features.conv0 = first
    return encoder, features


def _efficientnet_b0(stem: FixedStem, image_size: int) -> tuple[nn.Module, int]:
    # The constructor halves the image once, in its stem. With a stem of stride 1 the blocks see the
    # whole image, which is what they would see behind a stride of 2 at twice the size.
    encoder = EfficientNet(
        list(_EFFICIENTNET_B0),
        spatial_dims=2,
        in_channels=3,
        num_classes=1,
        image_size=image_size if stem == "standard" else 2 * image_size,
        dropout_rate=0.0,
        drop_connect_rate=0.0,
        # MONAI's momentum of 0.01 needs about 500 steps before the running statistics mean
        # anything: longer than many a training on a few thousand images.
        norm=("batch", {"eps": 1e-3, "momentum": 0.1}),
    )
    features = int(encoder._fc.in_features)
    encoder._fc = nn.Identity()
    if stem == "small":
        encoder._conv_stem.stride = (1, 1)
        encoder._conv_stem_padding = nn.ZeroPad2d(1)
    return encoder, features
