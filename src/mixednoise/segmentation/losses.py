"""Losses against soft targets in which every pixel has a weight.

Cross-entropy is a weighted mean over pixels: pixels of weight 0 are out of the mean, not zeros in
it. The Dice loss is the soft-label one of Wang et al. (Dice semimetric losses, MICCAI 2023, DML1)::

    1 - sum w (p + q - |p - q|) / sum w (p + q)

For targets q in {0, 1} that is the usual 1 - 2 sum pq / sum (p + q), term by term; for soft ones it
is 0 at p = q, where the usual one is smallest at p in {0, 1} and would undo any smoothing.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.targets import Targets

LossKind = Literal["ce", "dice_ce"]

#: Keeps Dice finite, and 0 where a class is absent from target and prediction.
SMOOTH = 1e-5


def segmentation_loss(logits: Tensor, targets: Targets, kind: LossKind = "ce") -> Tensor:
    """The loss of a batch, a scalar.

    Args:
        logits: floating point (B, K, *S); computed in float32 at least.
        targets: of the same shape.
        kind: ``ce``, or ``dice_ce``: the sum of cross-entropy and foreground Dice over the batch.

    Raises:
        ConfigError: there is no such loss.
        DataError: logits and targets of different shapes.
    """
    if kind not in get_args(LossKind):
        raise ConfigError(
            f"there is no loss {kind!r}",
            expected=", ".join(get_args(LossKind)),
            found=str(kind),
            fix="choose one of these",
        )
    loss = cross_entropy(logits, targets)
    return loss if kind == "ce" else loss + dice_loss(logits, targets)


def cross_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """-sum_x w(x) sum_k target_k(x) log p_k(x) / sum_x w(x); 0 where nothing has weight.

    Args and errors as for :func:`segmentation_loss`.
    """
    pixels = _pixel_loss(logits, targets)
    weight = targets.weight.to(pixels)
    return (pixels * weight).sum() / _not_zero(weight.sum())


def case_cross_entropy(logits: Tensor, targets: Targets) -> Tensor:
    """:func:`cross_entropy` of each image on its own, (B,)."""
    pixels = _pixel_loss(logits, targets).flatten(1)
    weight = targets.weight.to(pixels).flatten(1)
    return (pixels * weight).sum(dim=1) / _not_zero(weight.sum(dim=1))


def dice_loss(
    logits: Tensor,
    targets: Targets,
    *,
    include_background: bool = False,
    over_batch: bool = True,
) -> Tensor:
    """1 - soft Dice, mean over classes, in [0, 1], a scalar.

    Args:
        logits: floating point (B, K, *S).
        targets: of the same shape.
        include_background: count class 0 too.
        over_batch: one Dice per class over all pixels of the batch, which an image without that
            class does not upset; false = the mean of each image's.

    Raises:
        DataError: logits and targets of different shapes.
    """
    _check(logits, targets)
    first = 0 if include_background else 1
    p = torch.softmax(_at_least_float32(logits), dim=1)[:, first:].flatten(2)
    q = targets.soft.to(p)[:, first:].flatten(2)
    weight = targets.weight.to(p).flatten(1).unsqueeze(1)
    total = (p + q) * weight
    apart = (p - q).abs() * weight
    over = (0, 2) if over_batch else (2,)
    denominator = total.sum(dim=over)
    agreement = (denominator - apart.sum(dim=over) + SMOOTH) / (denominator + SMOOTH)
    return 1.0 - agreement.mean()


def _pixel_loss(logits: Tensor, targets: Targets) -> Tensor:
    """-sum_k target_k log p_k, (B, *S)."""
    _check(logits, targets)
    logits = _at_least_float32(logits)
    return functional.cross_entropy(logits, targets.soft.to(logits), reduction="none")


def _at_least_float32(logits: Tensor) -> Tensor:
    """Half precision has three digits, and a sum over pixels needs more."""
    return logits if logits.dtype == torch.float64 else logits.to(torch.float32)


def _not_zero(weight: Tensor) -> Tensor:
    return weight.clamp_min(torch.finfo(weight.dtype).tiny)


def _check(logits: Tensor, targets: Targets) -> None:
    rest = (logits.shape[0], *logits.shape[2:])
    if targets.soft.shape != logits.shape or tuple(targets.weight.shape) != rest:
        raise DataError(
            "the logits and their targets are of different shapes",
            expected="logits and soft targets (B, K, *S), weights (B, *S)",
            found=f"{tuple(logits.shape)}, {tuple(targets.soft.shape)}, "
            f"{tuple(targets.weight.shape)}",
            fix="make the targets with the network's number of classes, at its resolution",
        )
