"""Weak and strong views of whole batches, on the device that holds the images.

Weak view: flips, rotation, small shift, mild brightness. Strong view: also scale (a random crop),
shear, contrast, saturation, channel gain, greyscale and cut-out. These are the operations that the
QMix paper names; their strengths are not published, see :mod:`mixednoise.data.view_settings`.

All geometry is one matrix and one ``grid_sample`` per view, all colour is one 3x3 matrix per image:
an image is read and written as few times as possible, which is what the speed depends on.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mixednoise.data.view_settings import ViewSettings
from mixednoise.errors import DataError

__all__ = ["ViewSettings", "mixup", "strong_view", "views", "weak_view"]

# One uniform number per image and purpose. All columns are always drawn, so that switching one
# knob off does not change what the others do.
_DRAWS = (
    *("flip_x", "flip_y", "rotation", "shift_x", "shift_y", "scale", "shear"),
    *("brightness", "contrast", "saturation", "gain_r", "gain_g", "gain_b", "grey"),
    *("cut_side", "cut_x", "cut_y"),
)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: weights of R, G, B in perceived brightness


def weak_view(images: Tensor, generator: torch.Generator, settings: ViewSettings) -> Tensor:
    """One lightly changed view of every image: flips, rotation, shift, brightness.

    Args:
        images: uint8 0..255 or float 0..1, shape (B, 3, S, S), on any device; not changed.
        generator: a **CPU** generator; the same state gives the same views on every device.
        settings: strengths, see :class:`ViewSettings`.

    Returns:
        float32 in [0, 1], shape (B, 3, S, S), on the images' device.

    Raises:
        DataError: wrong shape or dtype.
    """
    unit = _check(images)
    draws = _draw(len(images), generator, images.device)
    x = images.to(torch.float32, copy=True)  # a copy in any case: it is changed in place below
    x = _warp(x, draws, settings, settings.weak_rotation, settings.weak_shift)
    x.mul_((unit * _factor(draws["brightness"], settings.weak_brightness))[:, None, None, None])
    return x.clamp_(0.0, 1.0)


def strong_view(images: Tensor, generator: torch.Generator, settings: ViewSettings) -> Tensor:
    """One strongly changed view of every image: geometry, colour, greyscale, cut-out.

    Arguments, result and errors as for :func:`weak_view`.
    """
    unit = _check(images)
    draws = _draw(len(images), generator, images.device)
    x = images.to(torch.float32, copy=True)
    x = _warp(
        *(x, draws, settings, settings.strong_rotation, settings.strong_shift),
        scale=settings.strong_scale,
        shear=settings.strong_shear,
    )
    x = _recolour(x, draws, settings, unit).clamp_(0.0, 1.0)
    return _cut_out(x, draws, settings.strong_cutout)


def mixup(images: Tensor, generator: torch.Generator, alpha: float) -> Tensor:
    """Mix every image with another one of the batch: lam X + (1 - lam) X[permutation].

    One lam for the batch, of Beta(alpha, 1) and never below one half, so that image i stays the
    main content of row i; labels are not mixed (mixup feature embedding of SSCL).

    Args:
        images: float (B, 3, S, S).
        generator: a CPU generator.
        alpha: above 0; 5 gives lam = 0.84 on average.
    """
    # The distribution function of Beta(alpha, 1) is x^alpha.
    lam = float(torch.rand((), generator=generator)) ** (1 / alpha)
    lam = max(lam, 1 - lam)
    partner = torch.randperm(len(images), generator=generator).to(images.device)
    return torch.lerp(images[partner], images, lam)


def views(
    images: Tensor,
    generator: torch.Generator,
    settings: ViewSettings,
    count: int,
    strength: Literal["weak", "strong"] = "weak",
) -> Tensor:
    """``count`` independent views, float32 in [0, 1], shape (count, B, 3, S, S).

    ``.flatten(0, 1)`` makes one batch of them, for a single forward pass.
    """
    view = weak_view if strength == "weak" else strong_view
    return torch.stack([view(images, generator, settings) for _ in range(count)])


def _check(images: Tensor) -> float:
    """Refuse what is not a batch of square RGB images; return the unit that makes it 0..1."""
    square = images.ndim == 4 and images.shape[1] == 3 and images.shape[2] == images.shape[3]
    if not square or not (images.dtype == torch.uint8 or images.is_floating_point()):
        raise DataError(
            "these are not images that views can be made of",
            expected="uint8 (0..255) or float (0..1), shape (B, 3, S, S)",
            found=f"{images.dtype}, shape {tuple(images.shape)}",
            fix="take the images from a PixelStore and move the channels to the second axis",
        )
    return 1.0 / 255.0 if images.dtype == torch.uint8 else 1.0


def _draw(count: int, generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
    """Uniform numbers in [0, 1), drawn on the CPU and moved to the device in one transfer."""
    numbers = torch.rand((len(_DRAWS), count), generator=generator).to(device, non_blocking=True)
    return dict(zip(_DRAWS, numbers, strict=True))


def _sign(draw: Tensor) -> Tensor:
    """[0, 1) -> [-1, 1)."""
    return 2.0 * draw - 1.0


def _factor(draw: Tensor, knob: float) -> Tensor:
    """[0, 1) -> a factor between 1 / (1 + knob) and 1 + knob, symmetric on a log scale."""
    return torch.exp(_sign(draw) * math.log1p(knob))


def _warp(
    x: Tensor,
    draws: dict[str, Tensor],
    settings: ViewSettings,
    rotation: float,
    shift: float,
    *,
    scale: float = 0.0,
    shear: float = 0.0,
) -> Tensor:
    """Flip, rotate, shear, scale and shift by one bilinear resampling; flips alone are exact."""
    no = torch.zeros_like(draws["flip_x"], dtype=torch.bool)
    flip_x = draws["flip_x"] < 0.5 if settings.horizontal_flip else no
    flip_y = draws["flip_y"] < 0.5 if settings.vertical_flip else no
    if not (rotation or shift or scale or shear):
        if settings.horizontal_flip:
            x = torch.where(flip_x[:, None, None, None], x.flip(-1), x)
        if settings.vertical_flip:
            x = torch.where(flip_y[:, None, None, None], x.flip(-2), x)
        return x
    # grid_sample asks, for each output pixel, where in the input to look (coordinates -1..1), so
    # this is the inverse of the movement that is seen; all draws are symmetric, hence no matter.
    angle = _sign(draws["rotation"]) * math.radians(rotation)
    slant = torch.tan(_sign(draws["shear"]) * math.radians(shear))
    zoom = _factor(draws["scale"], scale)
    sin, cos = torch.sin(angle) * zoom, torch.cos(angle) * zoom
    mirror_x, mirror_y = 1.0 - 2.0 * flip_x.float(), 1.0 - 2.0 * flip_y.float()
    # rotation @ [[1, slant], [0, 1]] @ diag(mirror); 2 * shift, because the side is 2 long
    grid = _sampling_grid(
        *(cos * mirror_x, (cos * slant - sin) * mirror_y, _sign(draws["shift_x"]) * 2 * shift),
        *(sin * mirror_x, (sin * slant + cos) * mirror_y, _sign(draws["shift_y"]) * 2 * shift),
        side=x.shape[-1],
    )
    return F.grid_sample(
        x.contiguous(), grid, mode="bilinear", padding_mode=settings.padding, align_corners=False
    )


def _sampling_grid(
    xx: Tensor, xy: Tensor, x0: Tensor, yx: Tensor, yy: Tensor, y0: Tensor, *, side: int
) -> Tensor:
    """Where each output pixel (x, y) looks: (xx x + xy y + x0, yx x + yy y + y0), (B, S, S, 2).

    The same as ``F.affine_grid(align_corners=False)``, but as sums of a row and a column, which is
    several times faster than its product of tall, thin matrices.
    """
    centres = (torch.arange(side, device=xx.device, dtype=torch.float32) * 2 + 1) / side - 1
    grid = torch.empty((len(xx), side, side, 2), device=xx.device)
    for axis, (by_x, by_y, start) in enumerate(((xx, xy, x0), (yx, yy, y0))):
        columns = by_x[:, None] * centres
        rows = by_y[:, None] * centres + start[:, None]
        torch.add(columns[:, None, :], rows[:, :, None], out=grid[..., axis])
    return grid


def _recolour(x: Tensor, draws: dict[str, Tensor], settings: ViewSettings, unit: float) -> Tensor:
    """Saturation, channel gain, contrast and brightness, as one affine map of (r, g, b)."""
    knobs = (
        *(settings.strong_brightness, settings.strong_contrast, settings.strong_saturation),
        *(settings.strong_channel_gain, settings.strong_grey),
    )
    if not any(knobs):
        return x.mul_(unit)
    luma = x.new_tensor(_LUMA)
    saturation = _factor(draws["saturation"], settings.strong_saturation)
    saturation = saturation.masked_fill(draws["grey"] < settings.strong_grey, 0.0)
    saturation = saturation[:, None, None]
    gain = torch.stack([draws["gain_r"], draws["gain_g"], draws["gain_b"]], dim=1)
    gain = _factor(gain, settings.strong_channel_gain)[:, None, :]
    contrast = _factor(draws["contrast"], settings.strong_contrast)[:, None, None]
    brightness = _factor(draws["brightness"], settings.strong_brightness)[:, None, None] * unit
    colour = torch.eye(3, device=x.device) * saturation + (1.0 - saturation) * luma
    # Gain first, colour second: grey stays grey. (B, 3, 3), rows are output channels.
    matrix = colour * gain * contrast * brightness
    mean_grey = (x.mean(dim=(2, 3)) @ luma)[:, None, None]
    offset = (1.0 - contrast) * mean_grey * brightness  # (B, 1, 1): contrast turns about the mean
    return torch.baddbmm(offset, matrix, x.flatten(2)).view_as(x)


def _cut_out(x: Tensor, draws: dict[str, Tensor], largest: float) -> Tensor:
    """Hide one square per image under the image's mean colour, in place.

    Not black: that would be a new structure of the highest contrast.
    """
    if not largest:
        return x
    side = x.shape[-1]
    pixel = torch.arange(side, device=x.device, dtype=torch.float32) + 0.5
    half = 0.5 * side * largest * draws["cut_side"][:, None]
    rows = (pixel - side * draws["cut_y"][:, None]).abs() < half
    columns = (pixel - side * draws["cut_x"][:, None]).abs() < half
    hidden = (rows[:, :, None] & columns[:, None, :])[:, None]
    return torch.where(hidden, x.mean(dim=(2, 3), keepdim=True), x, out=x)
