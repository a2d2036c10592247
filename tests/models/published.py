"""Published weight files, as to names and shapes, written down from the papers and torchvision."""

from __future__ import annotations

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def _norm(name: str, channels: int, *, counter: bool = True) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    shapes: Shapes = {f"{name}.{part}": (channels,) for part in parts}
    if counter:
        shapes[f"{name}.num_batches_tracked"] = ()
    return shapes


def resnet_shapes(name: str, *, widths: tuple[int, ...] = (64, 128, 256, 512)) -> Shapes:
    """torchvision's ResNet: He et al. 2016, table 1, with the stride on the 3x3 convolution."""
    depths = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}[name]
    bottleneck = name == "resnet50"
    shapes: Shapes = {"conv1.weight": (widths[0], 3, 7, 7), **_norm("bn1", widths[0])}
    channels = widths[0]
    for stage, (depth, width) in enumerate(zip(depths, widths, strict=True), start=1):
        out = width * 4 if bottleneck else width
        for block in range(depth):
            base = f"layer{stage}.{block}"
            if bottleneck:
                convolutions = [(width, channels, 1, 1), (width, width, 3, 3), (out, width, 1, 1)]
            else:
                convolutions = [(width, channels, 3, 3), (width, width, 3, 3)]
            for number, shape in enumerate(convolutions, start=1):
                shapes[f"{base}.conv{number}.weight"] = shape
                shapes |= _norm(f"{base}.bn{number}", shape[0])
            if channels != out:
                shapes[f"{base}.downsample.0.weight"] = (out, channels, 1, 1)
                shapes |= _norm(f"{base}.downsample.1", out)
            channels = out
    return shapes | {"fc.weight": (1000, channels), "fc.bias": (1000,)}


def densenet121_shapes() -> Shapes:
    """torchvision's file of DenseNet-121: ``norm.1`` with a dot and no counters (it is of 2017)."""
    shapes: Shapes = {"features.conv0.weight": (64, 3, 7, 7)}
    shapes |= _norm("features.norm0", 64, counter=False)
    channels = 64
    for block, depth in enumerate((6, 12, 24, 16), start=1):
        for layer in range(1, depth + 1):
            base = f"features.denseblock{block}.denselayer{layer}"
            shapes |= _norm(f"{base}.norm.1", channels, counter=False)
            shapes[f"{base}.conv.1.weight"] = (128, channels, 1, 1)
            shapes |= _norm(f"{base}.norm.2", 128, counter=False)
            shapes[f"{base}.conv.2.weight"] = (32, 128, 3, 3)
            channels += 32
        if block < 4:
            base = f"features.transition{block}"
            shapes |= _norm(f"{base}.norm", channels, counter=False)
            shapes[f"{base}.conv.weight"] = (channels // 2, channels, 1, 1)
            channels //= 2
    shapes |= _norm("features.norm5", channels, counter=False)
    return shapes | {"classifier.weight": (1000, 1024), "classifier.bias": (1000,)}


def efficientnet_b0_shapes() -> Shapes:
    """EfficientNet-PyTorch's file of B0: Tan & Le 2019, table 1; blocks numbered throughout."""
    shapes: Shapes = {"_conv_stem.weight": (32, 3, 3, 3), **_norm("_bn0", 32)}
    stages = [  # expansion, channels, repeats, kernel
        (1, 16, 1, 3),
        (6, 24, 2, 3),
        (6, 40, 2, 5),
        (6, 80, 3, 3),
        (6, 112, 3, 5),
        (6, 192, 4, 5),
        (6, 320, 1, 3),
    ]
    channels, number = 32, 0
    for expansion, out, repeats, kernel in stages:
        for _ in range(repeats):
            base, wide = f"_blocks.{number}", channels * expansion
            squeezed = channels // 4
            if expansion > 1:
                shapes[f"{base}._expand_conv.weight"] = (wide, channels, 1, 1)
                shapes |= _norm(f"{base}._bn0", wide)
            shapes[f"{base}._depthwise_conv.weight"] = (wide, 1, kernel, kernel)
            shapes |= _norm(f"{base}._bn1", wide)
            shapes[f"{base}._se_reduce.weight"] = (squeezed, wide, 1, 1)
            shapes[f"{base}._se_reduce.bias"] = (squeezed,)
            shapes[f"{base}._se_expand.weight"] = (wide, squeezed, 1, 1)
            shapes[f"{base}._se_expand.bias"] = (wide,)
            shapes[f"{base}._project_conv.weight"] = (out, wide, 1, 1)
            shapes |= _norm(f"{base}._bn2", out)
            channels, number = out, number + 1
    shapes["_conv_head.weight"] = (1280, 320, 1, 1)
    return shapes | _norm("_bn1", 1280) | {"_fc.weight": (1000, 1280), "_fc.bias": (1000,)}


def fill(shapes: Shapes) -> dict[str, Tensor]:
    """Make a weights file of these shapes: a value of its own per tensor, at no cost in memory."""
    return {
        name: torch.tensor(7)
        if name.endswith("num_batches_tracked")
        else torch.tensor(0.1 + 0.001 * number).expand(shape)
        for number, (name, shape) in enumerate(shapes.items())
    }
