"""What a student learns from a mask whose wrong pixels are suspected.

``slsr``, spatial label smoothing regularisation, with y the given class, y^ the proposed one and X
the suspected pixels (section 7 of the specification)::

    target(x) = (1 - eps) onehot(y(x)) + eps onehot(y^(x))      x in X
    target(x) = onehot(y(x))                                    elsewhere

With two classes the proposed class is the other one, so that a foreground pixel in X gets 1 - eps
and a background pixel eps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES

TargetMode = Literal["noisy", "slsr", "hard", "soft", "ignore", "weight"]
"""``noisy``: the given mask. ``slsr``: smoothed towards the proposed class. ``hard``: the proposed
class (eps = 1). ``soft``: smoothed towards the proposed probabilities. ``ignore``: suspected pixels
count nothing. ``weight``: they count 1 - eps."""

TARGET_MODES: tuple[TargetMode, ...] = get_args(TargetMode)


@dataclass(frozen=True)
class Targets:
    """What the pixels of a batch should become, and how much each of them counts.

    Attributes:
        soft: float32 (B, K, *S); sums to 1 over the classes, at unlabelled pixels too.
        weight: float32 (B, *S), in [0, 1]; 0 at unlabelled pixels.
    """

    soft: Tensor
    weight: Tensor

    def to(self, device: torch.device | str) -> Targets:
        """Move to a device."""
        return Targets(
            self.soft.to(device, non_blocking=True), self.weight.to(device, non_blocking=True)
        )


def make_targets(
    mask: Tensor,
    flagged: Tensor | None = None,
    proposed: Tensor | None = None,
    *,
    num_classes: int,
    mode: TargetMode = "slsr",
    epsilon: float = 0.8,
) -> Targets:
    """Turn masks and their error maps into targets; nothing that is passed in is changed.

    Args:
        mask: given class, uint8 (B, *S), 0..K-1 or IGNORE.
        flagged: suspected pixels, bool (B, *S), or uint8 with 0 for the others; not needed for
            ``noisy``.
        proposed: what suspected pixels may be instead: class, uint8 (B, *S), or probabilities,
            floating point (B, K, *S). ``soft`` needs probabilities. ``slsr`` and ``hard`` take
            either (of probabilities the argmax, of equal ones the smallest class) and need it for
            three classes and more; with two, the other class is proposed. Looked at in suspected
            pixels only.
        num_classes: K, 2 to 254.
        mode: see :data:`TargetMode`.
        epsilon: strength of ``slsr``, ``soft`` and ``weight``, 0 (trust the mask) to 1.

    Raises:
        ConfigError: a mode, epsilon or number of classes that can't be; a map that the mode needs
            is missing.
        DataError: shapes or dtypes that don't go together, or a class that there isn't.
    """
    _check(mask, flagged, proposed, num_classes, mode, epsilon)
    known = mask != IGNORE
    _check_classes(mask, known, num_classes, "the mask")
    given = mask.masked_fill(~known, 0)
    weight = known.to(torch.float32)
    soft = _onehot(given, num_classes)
    if mode == "noisy" or flagged is None:
        return Targets(soft, weight)
    suspected = (flagged != 0) & known
    if mode in ("ignore", "weight"):
        left = 0.0 if mode == "ignore" else 1.0 - epsilon
        return Targets(soft, weight.masked_fill_(suspected, left))
    if mode == "soft":
        assert proposed is not None  # noqa: S101  # _check has asked for it
        other = proposed.to(torch.float32)
    else:
        other = _onehot(_other_class(given, suspected, proposed, num_classes), num_classes)
    share = suspected.to(torch.float32).mul_(1.0 if mode == "hard" else epsilon).unsqueeze(1)
    mixed = torch.addcmul(soft * (1.0 - share), other, share)
    if mode == "soft":
        # Where nothing is suspected, whatever the probabilities hold (NaN beyond an edge) stays out
        mixed = torch.where(suspected.unsqueeze(1), mixed, soft)
    return Targets(mixed, weight)


def _other_class(
    given: Tensor, suspected: Tensor, proposed: Tensor | None, num_classes: int
) -> Tensor:
    """The proposed class, uint8 (B, *S), which is a class in every pixel."""
    if num_classes == 2:
        return 1 - given
    assert proposed is not None  # noqa: S101  # _check has asked for it
    if proposed.is_floating_point():
        return proposed.argmax(dim=1).to(torch.uint8)
    _check_classes(proposed, suspected, num_classes, "the proposed mask")
    return torch.where(suspected, proposed, given)


def _onehot(index: Tensor, num_classes: int) -> Tensor:
    """uint8 (B, *S) -> float32 (B, K, *S), without the 64-bit copy that torch's own makes."""
    classes = torch.arange(num_classes, dtype=index.dtype, device=index.device)
    return (index.unsqueeze(1) == classes.view(-1, *[1] * (index.ndim - 1))).to(torch.float32)


def _check(
    mask: Tensor,
    flagged: Tensor | None,
    proposed: Tensor | None,
    num_classes: int,
    mode: str,
    epsilon: float,
) -> None:
    if mode not in TARGET_MODES:
        raise ConfigError(
            f"there is no kind of targets {mode!r}",
            expected=", ".join(TARGET_MODES),
            found=str(mode),
            fix="choose one of these",
        )
    if not 0.0 <= epsilon <= 1.0:  # false for NaN
        raise ConfigError(
            "epsilon must lie between 0 and 1",
            expected="0 (keep the given label) to 1 (take the proposed one)",
            found=str(epsilon),
            fix="0.8 is the method's choice",
        )
    if not 2 <= num_classes <= MAX_CLASSES:
        raise ConfigError(
            "masks can't have this number of classes",
            expected=f"2 to {MAX_CLASSES}, background included",
            found=str(num_classes),
            fix="check the class names",
        )
    lacking = None
    if mode != "noisy" and flagged is None:
        lacking = "an error map"
    elif mode == "soft" and (proposed is None or not proposed.is_floating_point()):
        lacking = "the teachers' probabilities, floating point (B, K, *S)"
    elif mode in ("slsr", "hard") and num_classes > 2 and proposed is None:
        lacking = "the proposed class of each pixel"
    if lacking:
        raise ConfigError(
            f"targets of kind {mode} need {lacking}",
            expected=lacking,
            found=f"{num_classes} classes, "
            + ("nothing proposed" if proposed is None else f"proposed {proposed.dtype}"),
            fix="pass it, or choose targets ignore or weight, which need nothing proposed",
        )
    shape = tuple(mask.shape)
    soft_shape = (shape[0], num_classes, *shape[1:]) if shape else ()
    wrong = mask.dtype != torch.uint8 or mask.ndim < 2
    if flagged is not None:
        wrong |= flagged.shape != mask.shape or flagged.dtype not in (torch.bool, torch.uint8)
    if proposed is not None:
        floats = proposed.is_floating_point()
        wrong |= tuple(proposed.shape) != (soft_shape if floats else shape)
        wrong |= not floats and proposed.dtype != torch.uint8
    if wrong:
        found = {"mask": mask, "flagged": flagged, "proposed": proposed}
        raise DataError(
            "the mask, its error map and its proposed mask don't go together",
            expected="mask uint8 (B, *S), flagged bool (B, *S), proposed uint8 (B, *S) or "
            "floating point (B, K, *S)",
            found="; ".join(
                f"{name} {t.dtype} {tuple(t.shape)}" for name, t in found.items() if t is not None
            ),
            fix="pass the maps of the same batch, cut from the same window",
        )


def _check_classes(classes: Tensor, where: Tensor, num_classes: int, what: str) -> None:
    """Refuse classes beyond K before they become a row of zeros."""
    wrong = where & (classes >= num_classes)
    if bool(wrong.any()):
        raise DataError(
            f"{what} has a value that no class has",
            expected=f"0 to {num_classes - 1}, or {IGNORE} for unlabelled pixels",
            found=f"{int(classes[wrong].max())} in {int(wrong.sum()):,} pixels",
            fix="check the number of classes, and how mask values become classes",
        )
