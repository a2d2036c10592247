"""The residual U-Net of the confident-learning method: four levels, two or three dimensions.

::

    level 0   16 channels   conv3 from the image                            side / 1
    level 1   32            conv2 stride 2, residual block of 1 conv3       side / 2
    level 2   64            conv2 stride 2, residual block of 2             side / 4
    level 3   128           conv2 stride 2, residual block of 3             side / 8
    level 2   64 + 64       transposed conv2, skip, residual block of 3     side / 4
    level 1   32 + 32       transposed conv2, skip, residual block of 2     side / 2
    level 0   16 + 16       transposed conv2, skip, residual block of 1     side / 1
    head      16            conv3
    logits    K             conv1

Every convolution but the last is followed by batch normalisation, those of the head and of the
levels by a ReLU. The published network (section 4 of the specification) has a head of K channels:
with one input channel, two classes and two dimensions 1,151,932 parameters. Two channels behind a
ReLU are fragile: where one of them dies, a class can't be said any more, whatever the network has
seen (one seed in two on small sets of noisy masks). A head of 16 cures that for 4,000 parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

import torch
from torch import Tensor, nn

from mixednoise.errors import ConfigError, DataError

#: Channels of the four levels; half of them make the slim network.
WIDTHS: Final = (16, 32, 64, 128)

_Convolution = nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d
_CONVOLUTIONS: Final = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: Final = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_NORMS: Final = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class ResidualUNet(nn.Module):
    """Residual U-Net: normalised images in, one logit per class and pixel out.

    Initialised outright, the same in two and three dimensions, by torch's global generator:
    convolutions followed by a ReLU Kaiming-normal (He et al. 2015) with the variance of their
    inputs kept, the last one Xavier-normal, every bias 0, batch normalisation the identity.

    Args:
        in_channels: C of the images, at least 1.
        num_classes: K, background included, at least 2.
        spatial_dims: 2 or 3.
        widths: channels of the four levels, from the full resolution down.
        head: channels before the logits; None = as many as the first level; ``num_classes`` = as
            published.

    Attributes:
        divisor: every side of an image must be a multiple of it.

    Raises:
        ConfigError: a value that can't be.
    """

    divisor: Final = 8

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        spatial_dims: int = 2,
        widths: Sequence[int] = WIDTHS,
        head: int | None = None,
    ) -> None:
        super().__init__()
        _check(in_channels, num_classes, spatial_dims, widths)
        self.spatial_dims = spatial_dims
        n, (w0, w1, w2, w3) = spatial_dims, widths
        self.stem = nn.Sequential(*_conv(n, in_channels, w0, 3), nn.ReLU(inplace=True))
        self.down1 = _Down(n, w0, w1, depth=1)
        self.down2 = _Down(n, w1, w2, depth=2)
        self.down3 = _Down(n, w2, w3, depth=3)
        self.up2 = _Up(n, w3, w2, depth=3)
        self.up1 = _Up(n, 2 * w2, w1, depth=2)
        self.up0 = _Up(n, 2 * w1, w0, depth=1)
        between = w0 if head is None else head
        self.head = nn.Sequential(
            *_conv(n, 2 * w0, between, 3),
            nn.ReLU(inplace=True),
            _CONVOLUTIONS[n](between, num_classes, kernel_size=1),
        )
        self._initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Segment images: float (B, C, *S) -> logits (B, K, *S).

        Raises:
            DataError: a side is no multiple of 8, or the number of dimensions is another one.
        """
        sides = tuple(images.shape[2:])
        if len(sides) != self.spatial_dims or any(
            side % self.divisor or not side for side in sides
        ):
            raise DataError(
                "the residual U-Net can't take images of this size",
                expected=f"{self.spatial_dims} sides, each a multiple of {self.divisor}",
                found=f"a batch of shape {tuple(images.shape)}",
                fix="pad the images to the next multiple and crop the logits back",
            )
        level0 = self.stem(images)
        level1 = self.down1(level0)
        level2 = self.down2(level1)
        x = self.up2(self.down3(level2), level2)
        x = self.up1(x, level1)
        return cast(Tensor, self.head(self.up0(x, level0)))

    def _initialise(self) -> None:
        last = self.head[-1]
        for module in self.modules():
            if not isinstance(module, _Convolution):
                continue
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if module is last:
                nn.init.xavier_normal_(module.weight)
            elif isinstance(module, nn.ConvTranspose2d | nn.ConvTranspose3d):
                # Kernel and stride are equal: each output pixel sees one input pixel, and torch
                # keeps the output channels of a transposed convolution on the second axis.
                nn.init.normal_(module.weight, std=(2.0 / module.in_channels) ** 0.5)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")


class _Residual(nn.Module):
    """``depth`` convolutions of 3, their input added before the last ReLU."""

    def __init__(self, dims: int, channels: int, depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(depth):
            layers += _conv(dims, channels, channels, 3)
            if index < depth - 1:
                layers.append(nn.ReLU(inplace=True))
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.body(x) + x)


class _Down(nn.Sequential):
    """Halve every side by a strided convolution of 2, then a residual block."""

    def __init__(self, dims: int, channels: int, out: int, *, depth: int) -> None:
        super().__init__(
            *_conv(dims, channels, out, 2),
            nn.ReLU(inplace=True),
            _Residual(dims, out, depth),
        )


class _Up(nn.Module):
    """Double every side, put the skip's channels behind, then a residual block."""

    def __init__(self, dims: int, channels: int, out: int, *, depth: int) -> None:
        super().__init__()
        self.enlarge = nn.Sequential(
            _TRANSPOSED[dims](channels, out, kernel_size=2, stride=2),
            _NORMS[dims](out),
            nn.ReLU(inplace=True),
        )
        self.block = _Residual(dims, 2 * out, depth)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return cast(Tensor, self.block(torch.cat([self.enlarge(x), skip], dim=1)))


def _conv(dims: int, channels: int, out: int, kernel: int) -> list[nn.Module]:
    """Make a convolution of 3 that keeps the size, or one of 2 that halves it, with its norm."""
    halving = kernel == 2
    convolution = _CONVOLUTIONS[dims](
        channels, out, kernel, stride=2 if halving else 1, padding=0 if halving else 1
    )
    return [convolution, _NORMS[dims](out)]


def _check(in_channels: int, num_classes: int, spatial_dims: int, widths: Sequence[int]) -> None:
    if spatial_dims not in _CONVOLUTIONS:
        raise ConfigError(
            "a residual U-Net has two or three dimensions",
            expected="spatial_dims 2 or 3",
            found=str(spatial_dims),
            fix="pass 2 for images, 3 for volumes",
        )
    if in_channels < 1 or num_classes < 2 or len(widths) != len(WIDTHS) or min(widths) < 1:
        raise ConfigError(
            "a residual U-Net can't have this shape",
            expected="1 input channel or more, 2 classes or more (background is one), 4 widths",
            found=f"{in_channels} channels, {num_classes} classes, widths {tuple(widths)}",
            fix="check the class names and the images' channels",
        )
