"""Pick-and-Learn: a second network that judges masks and weighs the images of a batch.

Zhu et al., MICCAI 2019, as a baseline. Section 8 of the specification::

    s_b = mean over channels and pixels of VGG16-BN(image_b, mask_b)
    w   = softmax over the batch of alpha tanh(s_b)
    L   = sum_b w_b CE_b

The weights add up to 1, so that nothing is divided by B again, and the cross-entropy takes logits:
softmax is applied once. Segmenting needs no mask; the second network is for training alone.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.losses import case_cross_entropy
from mixednoise.segmentation.targets import Targets

#: VGG16 (Simonyan & Zisserman 2015, configuration D): channels of each convolution, by stage.
STAGES: Final = ((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3)
#: Slope of the judgement: weights of a batch differ by a factor of e^(2 alpha) at most.
ALPHA: Final = 2.0
#: Five times halved, one pixel must be left.
SMALLEST_SIDE: Final = 2 ** len(STAGES)


class QualityNetwork(nn.Module):
    """Weighs the images of a batch by how well their masks seem drawn.

    VGG16's convolutions with batch normalisation, Kaiming-normal weights; its first layer takes the
    image and one channel per foreground class of the mask.

    Args:
        in_channels: C of the images.
        num_classes: K, background included.
        spatial_dims: 2 or 3.
        width: factor on every number of channels; 0.25 costs a sixteenth, for CPUs.
        alpha: see :data:`ALPHA`.

    Raises:
        ConfigError: a value that can't be.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        *,
        spatial_dims: int = 2,
        width: float = 1.0,
        alpha: float = ALPHA,
    ) -> None:
        super().__init__()
        usable = in_channels >= 1 and num_classes >= 2 and spatial_dims in (2, 3)
        if not usable or not 0.0 < width <= 4.0 or not alpha > 0.0:
            raise ConfigError(
                "a quality network can't have this shape",
                expected="1 channel or more, 2 classes or more, 2 or 3 dimensions, a width above 0 "
                "and up to 4, an alpha above 0",
                found=f"{in_channels} channels, {num_classes} classes, {spatial_dims} dimensions, "
                f"width {width}, alpha {alpha}",
                fix="check the class names and the images",
            )
        self.num_classes, self.alpha = num_classes, alpha
        self.features = _vgg16(in_channels + num_classes - 1, spatial_dims, width)

    def scores(self, images: Tensor, mask: Tensor) -> Tensor:
        """Judge each image: alpha tanh(s), (B,), below alpha.

        Args:
            images: normalised, float (B, C, *S), sides of at least 32.
            mask: uint8 (B, *S), 0..K-1 or IGNORE; unlabelled pixels are background here.

        Raises:
            DataError: images and masks of different sizes, or smaller than 32 pixels.
        """
        sides = tuple(images.shape[2:])
        if (
            mask.shape[0] != len(images)
            or tuple(mask.shape[1:]) != sides
            or min(sides) < (SMALLEST_SIDE)
        ):
            raise DataError(
                "the quality network can't judge this batch",
                expected=f"images (B, C, *S), masks (B, *S), sides of at least {SMALLEST_SIDE}",
                found=f"images {tuple(images.shape)}, masks {tuple(mask.shape)}",
                fix="enlarge the patches, or pass the masks of the same windows",
            )
        foreground = torch.arange(1, self.num_classes, dtype=mask.dtype, device=mask.device)
        drawn = mask.unsqueeze(1) == foreground.view(-1, *[1] * len(sides))
        features = self.features(torch.cat([images, drawn.to(images.dtype)], dim=1))
        return self.alpha * torch.tanh(features.to(torch.float32).flatten(1).mean(dim=1))

    def forward(self, images: Tensor, mask: Tensor) -> Tensor:
        """Weigh the images of a batch: (B,) above 0, with a sum of 1; see :meth:`scores`."""
        return torch.softmax(self.scores(images, mask), dim=0)


def pick_and_learn_loss(logits: Tensor, targets: Targets, weights: Tensor) -> Tensor:
    """L = sum_b w_b CE_b, a scalar; CE_b is the mean over the labelled pixels of image b.

    Args:
        logits: of the segmenter, (B, K, *S).
        targets: of the given masks (mode ``noisy``).
        weights: of the quality network, (B,), with a sum of 1.

    Raises:
        DataError: shapes that don't go together.
    """
    if tuple(weights.shape) != (len(logits),):
        raise DataError(
            "the weights are of another batch",
            expected=f"one per image, ({len(logits)},)",
            found=str(tuple(weights.shape)),
            fix="weigh the images that the logits come from",
        )
    losses = case_cross_entropy(logits, targets)
    return torch.dot(weights.to(losses), losses)


def _vgg16(channels: int, spatial_dims: int, width: float) -> nn.Sequential:
    convolution = nn.Conv2d if spatial_dims == 2 else nn.Conv3d
    norm = nn.BatchNorm2d if spatial_dims == 2 else nn.BatchNorm3d
    pool = nn.MaxPool2d if spatial_dims == 2 else nn.MaxPool3d
    layers: list[nn.Module] = []
    for stage in STAGES:
        for published in stage:
            out = max(1, round(published * width))
            conv = convolution(channels, out, kernel_size=3, padding=1)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
            layers += [conv, norm(out), nn.ReLU(inplace=True)]
            channels = out
        layers.append(pool(kernel_size=2))
    return nn.Sequential(*layers)
