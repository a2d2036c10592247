"""Training windows: random patches of images and of every map drawn on them, then augmentation.

An image, its mask, its error map and its proposed mask are one thing here: the same window is cut
from all of them, and every flip and rotation moves them together. Whole batches at a time::

    images, maps = patch_batch(arrays, {"mask": masks, "flagged": errors}, rows, (256, 256), rng)
    images, maps = augment(images, maps, PatchSettings(), generator)

Volumes (D, H, W) are rotated and scaled in the plane of their last two axes, slice by slice alike:
scanners resolve the first one more coarsely, and one resampling in a plane costs a third.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from mixednoise.errors import DataError
from mixednoise.segmentation.patch_settings import PatchSettings
from mixednoise.segmentation.patches import outside, patch_batch

__all__ = ["PatchSettings", "augment", "patch_batch"]

Maps = Mapping[str, Tensor]

# One uniform number per image and purpose. All are always drawn, so that switching one knob off
# does not change what the others do.
_DRAWS = ("flip_w", "flip_h", "flip_d", "rotation", "scale", "brightness", "contrast")


def augment(
    images: Tensor, maps: Maps, settings: PatchSettings, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """Flip, rotate, scale, brighten; every map moves with its image. Inputs are not changed.

    Args:
        images: uint8 or floating point, (B, C, *P), raw or normalised, on any device.
        maps: (B, *P), uint8 or bool; or floating point (B, K, *P); by nearest neighbour. What comes
            in from beyond the border is IGNORE, False or 0.
        settings: what is done, and how much.
        generator: a **CPU** generator; the same state gives the same result on every device.

    Returns:
        Images float32 (B, C, *P) in the unit they came in, and the maps in their own dtypes. An
        image of one value stays as it is but for rounding.

    Raises:
        DataError: images that are neither 2-D nor 3-D, or a map of another size.
    """
    _check_batch(images, maps)
    draws = dict(
        zip(
            _DRAWS,
            torch.rand((len(_DRAWS), len(images)), generator=generator).to(
                images.device, non_blocking=True
            ),
            strict=True,
        )
    )
    x = images.to(torch.float32)
    moved = dict(maps)
    if not settings.augment:
        return x, moved
    for axis, name in _flipped_axes(settings.flip, images.ndim - 2):
        chosen = draws[name] < 0.5
        x = _flip(x, chosen, axis)
        moved = {key: _flip(value, chosen, axis) for key, value in moved.items()}
    if settings.rotation or settings.scale:
        x, moved = _turn(x, moved, settings, draws)
    if settings.brightness or settings.contrast:
        x = _recolour(x, settings, draws)
    return x, moved


def _flipped_axes(flip: str, dims: int) -> list[tuple[int, str]]:
    count = {"none": 0, "horizontal": 1, "both": 2, "all": dims}[flip]
    return [(-1, "flip_w"), (-2, "flip_h"), (-3, "flip_d")][:count]


def _flip(x: Tensor, chosen: Tensor, axis: int) -> Tensor:
    return torch.where(chosen.view(-1, *[1] * (x.ndim - 1)), x.flip(axis), x)


def _factor(draw: Tensor, knob: float) -> Tensor:
    """[0, 1) -> a factor between 1 / (1 + knob) and 1 + knob, symmetric on a log scale."""
    return torch.exp((2.0 * draw - 1.0) * math.log1p(knob))


def _turn(
    x: Tensor, maps: dict[str, Tensor], settings: PatchSettings, draws: dict[str, Tensor]
) -> tuple[Tensor, dict[str, Tensor]]:
    """Rotate and scale about the centre: images bilinear, maps by nearest neighbour."""
    height, width = x.shape[-2:]
    angle = (2.0 * draws["rotation"] - 1.0) * math.radians(settings.rotation)
    zoom = _factor(draws["scale"], settings.scale)
    cos, sin = (part.mul(zoom).view(-1, 1, 1) for part in (torch.cos(angle), torch.sin(angle)))
    rows = torch.arange(height, device=x.device, dtype=torch.float32) - 0.5 * (height - 1)
    columns = torch.arange(width, device=x.device, dtype=torch.float32) - 0.5 * (width - 1)
    # In pixels, not in shares of the sides: a rotation must not shear a window that isn't square.
    from_y = sin * columns[None, None, :] + cos * rows[None, :, None]
    from_x = cos * columns[None, None, :] - sin * rows[None, :, None]
    grid = torch.stack([from_x * (2.0 / width), from_y * (2.0 / height)], dim=-1)
    # Slices of a volume are channels here: all of them make the same movement.
    padding = "border" if settings.padding == "edge" else "zeros"
    planes = x.flatten(1, -3)
    x = functional.grid_sample(
        planes, grid, mode="bilinear", padding_mode=padding, align_corners=False
    ).view_as(x)
    row = torch.round(from_y + 0.5 * (height - 1)).long()
    column = torch.round(from_x + 0.5 * (width - 1)).long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    source = row.clamp_(0, height - 1).mul_(width).add_(column.clamp_(0, width - 1))
    return x, {name: _gather(value, source, inside) for name, value in maps.items()}


def _gather(value: Tensor, source: Tensor, inside: Tensor) -> Tensor:
    """Take each pixel of (B, ..., H, W) from its place in (B, H, W); IGNORE, False or 0 outside."""
    planes = value.reshape(len(value), -1, source[0].numel())
    taken = planes.gather(2, source.flatten(1)[:, None].expand(-1, planes.shape[1], -1))
    beyond = ~inside.flatten(1)[:, None]
    return taken.masked_fill_(beyond, outside(value.dtype)).view_as(value)


def _recolour(x: Tensor, settings: PatchSettings, draws: dict[str, Tensor]) -> Tensor:
    """Contrast about the mean and brightness in standard deviations: the same in any unit."""
    over = tuple(range(1, x.ndim))
    std, mean = torch.std_mean(x, dim=over, correction=0, keepdim=True)
    shape = mean.shape
    contrast = _factor(draws["contrast"], settings.contrast).view(shape)
    shift = ((2.0 * draws["brightness"] - 1.0) * settings.brightness).view(shape) * std
    return torch.addcmul(mean * (1.0 - contrast) + shift, x, contrast)


def _check_batch(images: Tensor, maps: Maps) -> None:
    dims, sides = images.ndim - 2, tuple(images.shape[2:])
    wrong = {
        name: tuple(value.shape)
        for name, value in maps.items()
        if tuple(value.shape[-dims:]) != sides or len(value) != len(images)
    }
    if dims not in (2, 3) or wrong:
        raise DataError(
            "these can't be augmented together",
            expected="images (B, C, H, W) or (B, C, D, H, W), maps (B, *P) of the same size",
            found=f"images {tuple(images.shape)}, maps {wrong}",
            fix="cut images and maps with patch_batch",
        )
