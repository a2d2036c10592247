"""What is known of each connected component of suspected pixels, and the table of all of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.regions import Integers, Regions

#: Header of ``components.csv``, the same for pictures and volumes: a picture counts as a volume of
#: one slice, z = 0 and depth = 1. ``array[z:z + depth, y:y + height, x:x + width]`` is the box.
COLUMNS = (
    "name", "component", "pixels", "share", "centre_z", "centre_y", "centre_x", "z", "y", "x",
    "depth", "height", "width", "given", "proposed", "p_given",
)  # fmt: skip

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Components:
    """The components of one error map, the largest first; equally large ones by their first pixel.

    Attributes:
        pixels: (n,) of each.
        centre: (n, 3) mean position z, y, x in array coordinates (pixels, from 0).
        start: (n, 3) first slice, row and column of the bounding box.
        extent: (n, 3) depth, height and width of the box, pixels.
        given: (n,) the given class of most of the pixels; of several the first.
        proposed: (n,) what is proposed for most of the pixels of that given class.
        p_given: (n,) mean probability of each pixel's given class, in [0, 1].
    """

    pixels: Integers
    centre: Floats
    start: Integers
    extent: Integers
    given: Integers
    proposed: Integers
    p_given: Floats

    def __len__(self) -> int:
        return len(self.pixels)


def measure(
    regions: Regions, mask: Mask, proposed: Mask, own: np.ndarray[Any, Any], num_classes: int
) -> Components:
    """Measure every component at once, in time that grows with the suspected pixels.

    Args:
        regions: of :func:`~mixednoise.segmentation.regions.drop_small`.
        mask: uint8 (H, W) or (D, H, W), given classes.
        proposed: uint8, as the mask: proposed classes.
        own: (m,) probability of the given class of the m suspected pixels, in memory order.
        num_classes: K.
    """
    places = np.flatnonzero(regions.flagged)
    labels = regions.labels.ravel()[places]
    sizes = np.bincount(labels)
    first = np.zeros(len(sizes), np.int64)
    first[labels[::-1]] = places[::-1]  # of several values for one place the last one stays
    numbers = np.flatnonzero(sizes)
    numbers = numbers[np.lexsort((first[numbers], -sizes[numbers]))]
    count, pixels = len(numbers), sizes[numbers]
    rank = np.zeros(len(sizes), np.int64)
    rank[numbers] = np.arange(count)
    part = rank[labels]

    centre, start = np.zeros((count, 3)), np.zeros((count, 3), np.int64)
    extent = np.ones((count, 3), np.int64)
    axes = np.unravel_index(places, mask.shape)
    for axis, position in enumerate(axes, start=3 - len(axes)):
        centre[:, axis] = np.bincount(part, position, minlength=count) / pixels
        low, high = np.full(count, max(mask.shape)), np.zeros(count, np.int64)
        np.minimum.at(low, part, position)
        np.maximum.at(high, part, position)
        start[:, axis], extent[:, axis] = low, high - low + 1

    classes = mask.ravel()[places]
    given = _commonest(part, classes, count, num_classes)
    # Among the pixels of this given class only: of all pixels, it could be proposed itself.
    same = classes == given[part]
    change = _commonest(part[same], proposed.ravel()[places[same]], count, num_classes)
    mean = np.bincount(part, own, minlength=count) / pixels
    return Components(pixels, centre, start, extent, given, change, mean)


def _commonest(part: Integers, classes: Mask, count: int, num_classes: int) -> Integers:
    """(count,) the class that most pixels of each component have; of several the first."""
    pairs = np.bincount(part * num_classes + classes, minlength=count * num_classes)
    return np.asarray(pairs.reshape(count, num_classes).argmax(axis=1))


class ComponentTable:
    """Writes the components of image after image; none of them is kept.

    Args:
        file: open for text, without translation of line ends.
        class_names: K names; None = the indices.
    """

    def __init__(self, file: TextIO, class_names: Sequence[str] | None = None) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._names = class_names
        self._writer.writerow(COLUMNS)

    def add(self, name: str, components: Components, labelled: int) -> None:
        """Write a row per component.

        Args:
            name: of the image.
            components: of its error map.
            labelled: labelled pixels of its mask.
        """
        count = len(components)
        if not count:
            return
        shares = [f"{share:.4g}" for share in (components.pixels / labelled).tolist()]
        self._writer.writerows(
            zip(
                [name] * count,
                range(1, count + 1),
                components.pixels.tolist(),
                shares,
                *components.centre.round(2).T.tolist(),
                *components.start.T.tolist(),
                *components.extent.T.tolist(),
                self._named(components.given),
                self._named(components.proposed),
                components.p_given.round(4).tolist(),
                strict=True,
            )
        )

    def _named(self, classes: Integers) -> list[Any]:
        indices: list[int] = classes.tolist()
        return indices if self._names is None else [self._names[k] for k in indices]


@contextmanager
def component_table(
    path: Path, class_names: Sequence[str] | None = None
) -> Iterator[ComponentTable]:
    """Open ``components.csv`` for writing; names that are no UTF-8 are escaped.

    Args:
        path: of the file, inside a folder that is moved into place as a whole.
        class_names: K names; None = the indices.
    """
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield ComponentTable(file, class_names)
