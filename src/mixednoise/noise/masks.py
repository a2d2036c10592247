"""Wrong masks made on purpose: pure functions of (mask, kind, radius, random generator).

``dilate``, ``erode``, ``edge`` and their mixture are the noise of section 3 of the method;
``shift``, ``drop`` and ``merge`` are further errors of annotators, see
:mod:`mixednoise.noise.mask_regions`. Each class of a label map gets noise of its own; how the
classes are put together again is said in :mod:`mixednoise.noise.mask_combine`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixednoise.noise.mask_checks import (
    MASK_NOISES,
    ON_EMPTY,
    MaskNoise,
    OnEmpty,
    Radius,
    check_mask,
    check_options,
    classes_of,
)
from mixednoise.noise.mask_combine import combine
from mixednoise.noise.mask_discs import Region
from mixednoise.noise.mask_regions import OPERATIONS, WITHOUT_CHANCE
from mixednoise.segmentation.labels import Mask

__all__ = [
    "MASK_NOISES",
    "ON_EMPTY",
    "ClassNoise",
    "MaskNoise",
    "NoisyMask",
    "OnEmpty",
    "Outcome",
    "Radius",
    "corrupt_mask",
    "corrupt_mask_recorded",
]

#: The kinds that ``mixed`` draws from, and their probabilities.
MIXTURE = {"dilate": 0.33, "erode": 0.33, "edge": 0.34}
#: How often a class is drawn before it keeps its pixels (``on_empty="resample"``).
MAX_DRAWS = 10

Outcome = Literal["changed", "unchanged", "emptied", "kept", "absent"]


@dataclass(frozen=True)
class ClassNoise:
    """What happened to one class of one mask.

    Attributes:
        label: class index.
        kind: the operation that was drawn; '' for a class that the mask does not have.
        radius: in pixels, as drawn; 0 for a class that the mask does not have.
        draws: how often it was drawn (more than once only with ``on_empty="resample"``).
        outcome: ``changed``; ``unchanged`` (nothing to do, such as no second region to bridge to);
            ``emptied`` (no pixel is left); ``kept`` (would have been emptied and keeps its clean
            pixels, as far as other classes have not grown into them); ``absent``.
        clean_pixels: pixels of the class before.
        noisy_pixels: and after.
        flipped_pixels: pixels that are of the class in one of the two masks only.
        dice: overlap of the two, 2 |A and B| / (|A| + |B|); 1 where both are empty.
    """

    label: int
    kind: str
    radius: int
    draws: int
    outcome: Outcome
    clean_pixels: int
    noisy_pixels: int
    flipped_pixels: int
    dice: float


@dataclass(frozen=True)
class NoisyMask:
    """Attributes: ``mask``, uint8 of the clean mask's shape, and a record per class."""

    mask: Mask
    records: tuple[ClassNoise, ...]


def corrupt_mask(
    mask: Mask,
    kind: MaskNoise,
    radius: Radius | Mapping[int, Radius],
    rng: np.random.Generator,
    *,
    classes: Collection[int] | None = None,
    on_empty: OnEmpty = "allow",
    volume: bool = False,
) -> Mask:
    """Put noise into a mask.

    Args:
        mask: uint8 (H, W) or (D, H, W): class indices, 0 = background, 255 = ignore; not changed.
        kind: one of :data:`MASK_NOISES`; ``mixed`` draws dilate, erode or edge for each class with
            probabilities 0.33, 0.33 and 0.34.
        radius: in pixels, or a range to draw from for each class, or one of these per class.
        rng: source of chance; classes draw from it in ascending order.
        classes: the ones to put noise into, None = all but the background. Others change only where
            these grow into them or leave pixels to them.
        on_empty: where a class would lose its last pixel: ``allow`` that, ``keep`` its clean
            pixels, or ``resample``: draw again (another kind of ``mixed``, another radius of the
            range, another place), and keep after :data:`MAX_DRAWS` vain draws.
        volume: for (D, H, W): balls instead of discs slice by slice along the first axis.

    Returns:
        A new mask; pixels to ignore are where they were.

    Raises:
        ConfigError: kind, radius, class or ``on_empty`` that can't be used.
        DataError: not a mask of class indices.
    """
    return corrupt_mask_recorded(
        mask, kind, radius, rng, classes=classes, on_empty=on_empty, volume=volume
    ).mask


def corrupt_mask_recorded(
    mask: Mask,
    kind: MaskNoise,
    radius: Radius | Mapping[int, Radius],
    rng: np.random.Generator,
    *,
    classes: Collection[int] | None = None,
    on_empty: OnEmpty = "allow",
    volume: bool = False,
) -> NoisyMask:
    """:func:`corrupt_mask`, and what was done: same arguments, same errors."""
    check_options(kind, on_empty)
    check_mask(mask)
    radii = classes_of(mask, classes, radius)
    present = {label: bounds for label, bounds in radii.items() if (mask == label).any()}
    drawn = {
        label: _draw(mask == label, kind, bounds, rng, volume) for label, bounds in present.items()
    }
    draws = dict.fromkeys(present, 1)
    kept: set[int] = set()
    while True:
        regions = {label: draw.region for label, draw in drawn.items() if label not in kept}
        noisy = combine(mask, regions)
        emptied = [label for label in present if not (noisy == label).any()]
        if on_empty == "allow" or not emptied:
            break
        for label in emptied:
            varies = kind not in WITHOUT_CHANCE or present[label][0] < present[label][1]
            if label in kept:
                # Buried by smaller classes that have grown: the mask can only stay as it is.
                kept |= set(present)
            elif on_empty == "resample" and varies and draws[label] < MAX_DRAWS:
                drawn[label] = _draw(mask == label, kind, present[label], rng, volume)
                draws[label] += 1
            else:
                kept.add(label)
    records = [
        _record(mask, noisy, label, drawn.get(label), draws.get(label, 0), label in kept)
        for label in radii
    ]
    return NoisyMask(noisy, tuple(records))


@dataclass(frozen=True)
class _Draw:
    kind: str
    radius: int
    region: Region


def _draw(
    region: Region, kind: str, bounds: tuple[int, int], rng: np.random.Generator, volume: bool
) -> _Draw:
    if kind == "mixed":
        kind = str(rng.choice(list(MIXTURE), p=list(MIXTURE.values())))
    radius = int(rng.integers(*bounds, endpoint=True))
    return _Draw(kind, radius, OPERATIONS[kind](region, radius, rng, volume))


def _record(
    clean: Mask, noisy: Mask, label: int, draw: _Draw | None, draws: int, kept: bool
) -> ClassNoise:
    before, after = clean == label, noisy == label
    pixels, left = int(before.sum()), int(after.sum())
    flipped = int((before ^ after).sum())
    outcome: Outcome
    if kept:
        outcome = "kept"
    elif not pixels:
        outcome = "absent"
    elif not left:
        outcome = "emptied"
    else:
        outcome = "changed" if flipped else "unchanged"
    return ClassNoise(
        label=label,
        kind=draw.kind if draw else "",
        radius=draw.radius if draw else 0,
        draws=draws,
        outcome=outcome,
        clean_pixels=pixels,
        noisy_pixels=left,
        flipped_pixels=flipped,
        dice=1.0 - flipped / (pixels + left) if pixels + left else 1.0,
    )
