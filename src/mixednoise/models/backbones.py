"""Names of the backbones, and the stem that suits an image size.

A *stem* is what a backbone does before its first block. Its reduction decides how much of a small
image is left at the end::

    stem       first convolution   pooling   whole reduction   28 px   64 px   128 px   224 px
    standard   7x7, stride 2 (*)   max, /2   32                1x1     2x2     4x4      7x7
    small      3x3, stride 1       max, /2   16                2x2     4x4     8x8      14x14
    full       3x3, stride 1       none      8                 4x4     8x8     16x16    28x28

(*) EfficientNet's is 3x3, stride 2, and it has no pooling: its first blocks do that halving.

The small stem costs two to four times as much at the same size, since every block sees a map of
twice the side. The full one, of networks made for CIFAR, costs about fifteen times as much as the
standard one (ResNet-18 at 224 px: 27 against 1.8 billion multiplications); ResNets alone have it.
``auto`` takes the small one up to ``SMALL_IMAGE_SIZE``, so that a ResNet keeps at least 2x2 of
images from 17 px up. Measured with resnet18_slim on 1,633 dermatoscopic images, 4 classes, 14
epochs, one seed (standard error about 0.02), one CPU thread::

    size    stem                     macro-F1   images/s
    28 px   standard                 0.640      434
    28 px   small                    0.676      205
    64 px   standard                 0.651      163
    64 px   small                    0.648       51
"""

from __future__ import annotations

import difflib
from typing import Final, Literal, get_args

from mixednoise.errors import ConfigError

Stem = Literal["auto", "small", "standard", "full"]
"""``auto`` chooses by image size, or by the weights where weights are asked for."""

FixedStem = Literal["small", "standard", "full"]
"""A stem after ``auto`` has been decided."""

BACKBONES: Final = (
    "resnet10_tiny",
    "resnet18_slim",
    "resnet18",
    "resnet34",
    "resnet50",
    "densenet121",
    "efficientnet_b0",
)
"""Backbones that need no extra; ``timm:NAME`` gives any of timm's (extra ``timm``)."""

TIMM_PREFIX: Final = "timm:"

SMALL_IMAGE_SIZE: Final = 40
MINIMUM_IMAGE_SIZE: Final = 16


def default_backbone(device: str) -> str:
    """Name the backbone for a device: on a CPU a quarter of ResNet-18's arithmetic.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ...
    """
    return "resnet18_slim" if device.partition(":")[0] == "cpu" else "resnet18"


def check_backbone(backbone: str) -> None:
    """Refuse a name that isn't one of ``BACKBONES`` or ``timm:NAME``; timm itself isn't imported.

    Raises:
        ConfigError: no such backbone; the nearest names are given.
    """
    if backbone in BACKBONES or (backbone.startswith(TIMM_PREFIX) and backbone != TIMM_PREFIX):
        return
    nearest = difflib.get_close_matches(backbone, BACKBONES, n=3, cutoff=0.5)
    raise ConfigError(
        f"there is no backbone {backbone!r}",
        expected=f"one of {', '.join(BACKBONES)}, or timm:NAME for any of timm's",
        found=backbone,
        fix=f"did you mean {' or '.join(nearest)}?" if nearest else "choose one of these names",
    )


def resolve_stem(backbone: str, stem: Stem, image_size: int) -> FixedStem:
    """Decide ``auto`` and check that backbone, stem and image size go together.

    Args:
        backbone: one of ``BACKBONES`` or ``timm:NAME``.
        stem: what the user asks for.
        image_size: side of the square images, pixels.

    Returns:
        ``small`` or ``standard``; timm's backbones keep their own stem, called ``standard``.

    Raises:
        ConfigError: an unknown backbone or stem, a stem that timm's backbones don't have, or an
            image too small to leave a single pixel at the end.
    """
    check_backbone(backbone)
    if stem not in get_args(Stem):
        raise ConfigError(
            f"there is no stem {stem!r}",
            expected=", ".join(get_args(Stem)),
            found=str(stem),
            fix="leave it out: auto suits the image size",
        )
    if image_size < MINIMUM_IMAGE_SIZE:
        raise ConfigError(
            "the images are too small to be looked at",
            expected=f"an image size of at least {MINIMUM_IMAGE_SIZE} px",
            found=f"{image_size} px",
            fix="raise --image-size",
        )
    if backbone.startswith(TIMM_PREFIX):
        if stem in ("small", "full"):
            raise ConfigError(
                f"{backbone} can't have the {stem} stem",
                expected="stem auto or standard: timm's networks keep the stem they come with",
                found=f"stem {stem}",
                fix=f"leave the stem out, or take one of {', '.join(BACKBONES)}",
            )
        return "standard"
    if stem == "full" and not backbone.startswith("resnet"):
        raise ConfigError(
            f"{backbone} can't have the full stem",
            expected="a resnet, or stem auto, small or standard",
            found=f"{backbone} with stem full",
            fix="take the small stem, or one of "
            + ", ".join(name for name in BACKBONES if name.startswith("resnet")),
        )
    by_size: FixedStem = "small" if image_size <= SMALL_IMAGE_SIZE else "standard"
    fixed = by_size if stem == "auto" else stem
    # DenseNet halves without padding: below 29 px nothing is left after its third transition.
    if backbone == "densenet121" and fixed == "standard" and image_size < 29:
        raise ConfigError(
            "densenet121 with the standard stem has no pixel left at its end",
            expected="images of at least 29 px, or the small stem",
            found=f"{image_size} px",
            fix="raise --image-size, or take a resnet",
        )
    return fixed
