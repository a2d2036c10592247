"""How unlike the other images one looks: unreadable images rarely look like the rest.

No measure of quality says "unreadable" by itself: noise adds detail, stains add contrast, glare
adds light. What the ways of being unreadable have in common is that the image lies far from the
middle of its set, in one measure or another. So do some readable images; whoever asks must have a
second opinion (:mod:`mixednoise.separation.two_step` has the networks').
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np

from mixednoise.progress import Progress, Silent
from mixednoise.quality.measures import measure
from mixednoise.quality.picture import working_picture
from mixednoise.quality.workers import one_thread_each, workers_of

Floats = np.ndarray[Any, np.dtype[np.float64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

#: Fields of :class:`.Measures` that are compared. Not compared: what few images have at all
#: (overexposed pixels), what depends on the camera (field of view, size), and the spread of light,
#: of which evenness tells the part that counts.
COMPARED = ("light", "evenness", "contrast", "detail", "focus", "noise", "cast")
#: Robust standard deviations at which "very far" ends.
FARTHEST = 6.0
#: Standard deviation of a Gaussian over its median absolute deviation.
_SPREAD = 1.4826
#: Images taken from the store at a time.
_BLOCK = 64


class Pictures(Protocol):
    """Whatever gives images by row: a pixel store."""

    def take(self, rows: Integers) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Images uint8 (n, S, S, 3)."""
        ...


def unusualness(
    pictures: Pictures,
    rows: Integers,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Floats:
    """How far each image lies from the middle of all.

    Args:
        pictures: the images as the networks see them.
        rows: int64 (N,), which of them.
        workers: threads; one per core, at most 8, when not given. The result is the same with any
            number.
        progress: shows the images as they pass.

    Returns:
        float64 (N,), in [0, 36]: the mean square, over :data:`COMPARED`, of the distance from the
        median in robust standard deviations (at most :data:`FARTHEST`) of log(1 + measure). An
        image in the middle has less than 1.
    """
    count = workers_of(workers)
    with one_thread_each(count), ThreadPoolExecutor(count, "mixednoise-measure") as pool:

        def measured() -> Iterator[list[float]]:
            for block in np.split(rows, range(_BLOCK, len(rows), _BLOCK)):
                yield from pool.map(_compared, pictures.take(block))

        passing = (progress or Silent()).track(measured(), "looking at images", total=len(rows))
        values = np.array(list(passing)).reshape(len(rows), len(COMPARED))
    return distance_from_middle(values)


def distance_from_middle(values: Floats) -> Floats:
    """:func:`unusualness` of measures that are there.

    Args:
        values: (N, M), >= 0.
    """
    if not len(values):
        return np.zeros(0)
    logs = np.log1p(values)
    centred = logs - np.median(logs, axis=0)
    width = _SPREAD * np.median(np.abs(centred), axis=0)
    # Where more than half of the images agree in a measure, it tells nothing of the others but that
    # they differ: how far is as good as any standard deviation says.
    width = np.where(width > 0, width, np.maximum(centred.std(axis=0), 1e-12))
    distance = np.clip(centred / width, -FARTHEST, FARTHEST)
    mean: Floats = np.square(distance).mean(axis=1)
    return mean


def _compared(image: np.ndarray[Any, np.dtype[np.uint8]]) -> list[float]:
    found = measure(working_picture(image))
    return [float(getattr(found, name)) for name in COMPARED]
