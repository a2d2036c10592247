"""Pixels of one image in blocks that fit the processor's cache, and the few that matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from mixednoise.segmentation.labels import Mask

Array = np.ndarray[Any, Any]

#: Probabilities per block: 1 MB of float32. Smaller blocks would stay in a nearer cache, but cost
#: more in calls of numpy than that gains.
BLOCK_VALUES = 1 << 18
_MIN_BLOCK = 1 << 12

#: A pixel whose most probable class is not its own has a lower probability of its own class, for
#: any probabilities that sum to at most 1.01.
UNDECIDED = 0.51


def limit_of_margin(margin: Array) -> Array:
    """What p_i of a pixel's own class is at most where some p_i - p_j is at most ``margin``."""
    return np.asarray(UNDECIDED + margin / 2)


def blocks(
    given: Mask, probabilities: Array, dtype: np.dtype[Any], temperature: float = 1.0
) -> Iterator[tuple[int, Mask, Array]]:
    """Cut one image's pixels into blocks.

    Args:
        given: (n,) classes.
        probabilities: (K, n).
        dtype: float32 or float64, of the blocks.
        temperature: see :class:`~mixednoise.segmentation.error_settings.ErrorSettings`.

    Yields:
        (position of the first pixel, (m,) classes, (K, m) probabilities).
    """
    size = max(BLOCK_VALUES // len(probabilities), _MIN_BLOCK)
    for start in range(0, len(given), size):
        block = probabilities[:, start : start + size]
        if block.dtype != dtype:
            block = block.astype(dtype)
        if temperature != 1:
            block = soften(block, temperature)
        yield start, given[start : start + size], block


def soften(probabilities: Array, temperature: float) -> Array:
    """softmax(log p / temperature) over axis 0; zero stays zero."""
    powered = (probabilities / probabilities.max(axis=0)) ** probabilities.dtype.type(
        1 / temperature
    )
    return np.asarray(powered / powered.sum(axis=0))


def undecided(given: Mask, probabilities: Array, limits: Array) -> Array:
    """Positions of the pixels whose probability of their own class is low.

    Args:
        given: (n,) classes; pixels of no class are left out.
        probabilities: (K, n).
        limits: (K,) of the same dtype: at most this is low; -infinity: nothing is.
    """
    found = np.zeros(len(given), bool)
    for k, (of_class, limit) in enumerate(zip(probabilities, limits, strict=True)):
        if limit == -np.inf:
            continue
        mine = given == k
        if mine.any():
            mine &= of_class <= limit
            found |= mine
    return np.flatnonzero(found)


def take(probabilities: Array, places: Array) -> Array:
    """(K, m) probabilities at the positions (m,).

    Row by row: numpy would copy a block that is part of a larger array before it takes from it.
    """
    taken = np.empty((len(probabilities), places.size), probabilities.dtype)
    for row, of_class in zip(taken, probabilities, strict=True):
        of_class.take(places, out=row, mode="clip")
    return taken


def most_probable(given: Mask, probabilities: Array, tolerance: float) -> Mask:
    """The most probable class per pixel (uint8), the given one where it is as good.

    Args:
        given: (n,) classes; 255 = none.
        probabilities: (K, n).
        tolerance: the given class counts as most probable if no other exceeds it by more.
    """
    best, proposed = _largest(probabilities)
    own = own_probability(given, probabilities)
    agrees = own + probabilities.dtype.type(tolerance) >= best
    return np.asarray(np.where(agrees, given, proposed))


def _largest(probabilities: Array) -> tuple[Array, Mask]:
    """(n,) largest of (K, n) probabilities, and its class; numpy's argmax goes column by column."""
    best = probabilities[0].copy()
    classes = np.zeros(len(best), np.uint8)
    for k in range(1, len(probabilities)):
        of_class = probabilities[k]
        np.maximum(classes, (of_class > best).view(np.uint8) * np.uint8(k), out=classes)
        np.maximum(best, of_class, out=best)
    return best, classes


def disagreements(
    given: Mask, probabilities: Array, tolerance: float, own: Array | None = None
) -> tuple[Array, Array]:
    """The pixels whose most probable class is another one: positions (m,), and these classes (m,).

    Only pixels with a low probability of their own class are looked at.

    Args:
        given: (n,) classes; pixels of no class are left out.
        probabilities: (K, n).
        tolerance: the given class counts as most probable if no other exceeds it by more.
        own: (n,) of :func:`own_probability`, if that is at hand.
    """
    if own is None:
        limits = np.full(len(probabilities), UNDECIDED, probabilities.dtype)
        places = undecided(given, probabilities, limits)
    else:
        low = own <= probabilities.dtype.type(UNDECIDED)
        places = np.flatnonzero(low & (given < len(probabilities)))
    few = take(probabilities, places)
    few_own = few[given[places], np.arange(places.size)]
    best, proposed = _largest(few)
    chosen = np.flatnonzero(best > few_own + probabilities.dtype.type(tolerance))
    return places[chosen], proposed[chosen]


def own_probability(given: Mask, probabilities: Array) -> Array:
    """(n,) probability of the given class; 0 for pixels of no class."""
    own = np.zeros(len(given), probabilities.dtype)
    for k, of_class in enumerate(probabilities):
        copy_where(given == k, of_class, own)
    return own


def copy_where(where: Array, values: Array, into: Array) -> None:
    """``numpy.copyto(into, values, where=where)``, several times faster; all (n,), where bool."""
    row = (1, -1)
    cv2.copyTo(values.reshape(row), where.view(np.uint8).reshape(row), into.reshape(row))


def margins(given: Array, probabilities: Array, most: float) -> tuple[Array, Array, Array]:
    """By how much pixels are surer of their own class i than of every other class j.

    Args:
        given: (n,) integers; every pixel must have a class.
        probabilities: (K, n).
        most: larger margins are left out.

    Returns:
        Positions (m,), keys i K + j (m,), and p_i - p_j (m,); those of one key in stable order.
    """
    columns = np.arange(given.size)
    apart = probabilities[given, columns] - probabilities
    wanted = apart <= most
    wanted[given, columns] = False
    others, places = np.nonzero(wanted)
    return places, given[places] * len(probabilities) + others, apart[wanted]
