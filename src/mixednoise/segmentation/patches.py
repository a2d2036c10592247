"""Random windows, the same one from an image and from every map drawn on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mixednoise.errors import DataError
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.patch_settings import PatchSettings

Array = np.ndarray[Any, np.dtype[Any]]
#: Arrays by position, or a function that gives them.
Arrays = Sequence[Array] | Callable[[int], Array]
#: One window: a slice per axis of the image, and the pixels lacking before and after it.
_Window = tuple[tuple[slice, ...], list[tuple[int, int]]]


def patch_batch(
    images: Arrays,
    maps: Mapping[str, Arrays],
    indices: Sequence[int] | np.ndarray[Any, np.dtype[np.integer[Any]]],
    patch_size: Sequence[int],
    rng: np.random.Generator,
    settings: PatchSettings | None = None,
    *,
    mask: str = "mask",
) -> tuple[Tensor, dict[str, Tensor]]:
    """Cut one random window from each of the chosen images, and the same one from their maps.

    A side that is smaller than the window is centred in it: images are padded as the settings say,
    uint8 maps by IGNORE, boolean ones by False, floating-point ones by 0.

    Args:
        images: arrays (C, *S), uint8 or of any other real dtype, of any sizes: a list, or a
            function of the position; of memory maps only the window is read.
        maps: label-like arrays by name, likewise: (*S) of the same sizes, uint8 or bool; or
            floating point (K, *S), such as probabilities.
        indices: B positions, at least one, repeats allowed.
        patch_size: sides P of the window, 2 or 3, as many as the images have.
        rng: draws the windows; the same state gives the same ones.
        settings: ``padding`` and ``foreground`` are used.
        mask: name of the map that ``foreground`` looks at; without such a map it has no effect.

    Returns:
        Images (B, C, *P), uint8 where all are, else float32; and the maps, (B, *P) or (B, K, *P).

    Raises:
        DataError: an image or map of another number of dimensions, or a map of another size than
            its image.
    """
    settings = settings or PatchSettings()
    size = tuple(int(side) for side in patch_size)
    mode: Literal["edge", "constant"] = "edge" if settings.padding == "edge" else "constant"
    parts: list[Array] = []
    map_parts: dict[str, list[Array]] = {name: [] for name in maps}
    for index in (int(index) for index in indices):
        image = _at(images, index)
        drawn = {name: _at(arrays, index) for name, arrays in maps.items()}
        _check_case(index, image.shape, {name: map_.shape for name, map_ in drawn.items()}, size)
        sides = image.shape[1:]
        # A generator of its own, so that no mask changes which windows the next images get.
        own = np.random.default_rng(int(rng.integers(2**63)))
        pixel = None
        larger = any(side > wanted for side, wanted in zip(sides, size, strict=True))
        if own.random() < settings.foreground and mask in drawn and larger:
            pixel = _foreground_pixel(np.asarray(drawn[mask]), own)
        window = _window(sides, size, own, pixel)
        parts.append(_cut(image, window, mode, 0))
        for name, map_ in drawn.items():
            map_parts[name].append(_cut(map_, window, "constant", outside(map_.dtype)))
    dtype = np.uint8 if all(part.dtype == np.uint8 for part in parts) else np.float32
    return (
        torch.from_numpy(np.stack(parts).astype(dtype, copy=False)),
        {name: torch.from_numpy(np.stack(cut)) for name, cut in map_parts.items()},
    )


def outside(dtype: np.dtype[Any] | torch.dtype) -> int:
    """What a map holds where there is no image: IGNORE, False or 0."""
    return IGNORE if dtype in (np.uint8, torch.uint8) else 0


def _at(arrays: Arrays, index: int) -> Array:
    return arrays(index) if callable(arrays) else arrays[index]


def _window(
    shape: Sequence[int], size: Sequence[int], rng: np.random.Generator, at: Sequence[int] | None
) -> _Window:
    """Place a window: anywhere, or anywhere around a pixel."""
    slices, padding = [], []
    for axis, (side, wanted) in enumerate(zip(shape, size, strict=True)):
        low, high = 0, max(side - wanted, 0)
        if at is not None:
            low, high = max(low, at[axis] - wanted + 1), min(high, at[axis])
        start = int(rng.integers(low, high, endpoint=True))
        slices.append(slice(start, start + min(side, wanted)))
        lacking = max(wanted - side, 0)
        padding.append((lacking // 2, lacking - lacking // 2))
    return tuple(slices), padding


def _foreground_pixel(mask: Array, rng: np.random.Generator) -> tuple[int, ...] | None:
    """A pixel of a class that is drawn first, so that a small class is as likely as a large one."""
    flat = mask.reshape(-1)
    classes = [int(value) for value in np.unique(flat) if value not in (0, IGNORE)]
    if not classes:
        return None
    pixels = np.flatnonzero(flat == classes[rng.integers(len(classes))])
    found = np.unravel_index(int(pixels[rng.integers(len(pixels))]), mask.shape)
    return tuple(int(position) for position in found)


def _cut(array: Array, window: _Window, mode: Literal["edge", "constant"], fill: float) -> Array:
    slices, padding = window
    keys: Any = (..., *slices)
    part = np.asarray(array[keys])
    if not any(before or after for before, after in padding):
        return part
    padding = [(0, 0)] * (part.ndim - len(padding)) + padding
    if mode == "edge":
        return np.pad(part, padding, mode="edge")
    return np.pad(part, padding, mode="constant", constant_values=fill)


def _check_case(
    index: int,
    image: tuple[int, ...],
    maps: Mapping[str, tuple[int, ...]],
    size: tuple[int, ...],
) -> None:
    sides = image[1:]
    wrong = [name for name, shape in maps.items() if tuple(shape[-len(size) :]) != sides]
    if len(sides) != len(size) or len(size) not in (2, 3) or min(size) < 1 or wrong:
        raise DataError(
            f"no window can be cut from image {index}",
            expected=f"an image (C, *S) and maps (*S) of {len(size)} dimensions, 2 or 3",
            found=f"image {image}, window {size}"
            + "".join(f", {name} {tuple(maps[name])}" for name in wrong),
            fix="check that every mask is of its image's size, and the patch size",
        )
