"""The connected components of suspected pixels of a whole set: how large they are, the largest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.errors import DataError
from mixednoise.segmentation.components import COLUMNS

#: Least pixels of a component in each row of the distribution.
EDGES = (1, 5, 20, 100, 500, 2_500, 10_000)
#: Components that are listed at most.
MOST = 50
#: Rows of the table that are in memory at a time.
_BLOCK = 1 << 17
_TEXT = dict.fromkeys(("name", "given", "proposed"), str)

Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class ComponentOverview:
    """``components.csv`` in short.

    Attributes:
        components: (B,) components of each size, :data:`EDGES` being the lower ends.
        pixels: (B,) suspected pixels in them.
        largest: the rows of the largest ones, the largest first; equally large ones as in the file.
    """

    components: Counts
    pixels: Counts
    largest: pd.DataFrame

    @property
    def axes(self) -> tuple[str, ...]:
        """Those of which a position is told: y and x, and z before them where there are slices."""
        flat = (self.largest["depth"] == 1) & (self.largest["z"] == 0)
        return ("y", "x") if flat.all() else ("z", "y", "x")


@dataclass(frozen=True)
class SizeRow:
    """One row of the distribution.

    Attributes:
        least: pixels of a component of this row at least.
        most: and at most; None = any number.
        components: how many there are.
        share: of all components.
        of_pixels: the share of all suspected pixels that lies in them.
        left: components that ``--min-region`` with ``least`` leaves.
        left_pixels: the share of all suspected pixels that lies in those.
    """

    least: int
    most: int | None
    components: int
    share: float
    of_pixels: float
    left: int
    left_pixels: float


@dataclass(frozen=True)
class RegionRow:
    """One of the largest components; ``rank`` is that of its mask's card, None where not shown."""

    name: str
    rank: int | None
    component: int
    pixels: int
    share: float
    given: str
    proposed: str
    p_given: float
    centre: str


def overview(path: Path, most: int = MOST) -> ComponentOverview | None:
    """Read ``components.csv`` block by block.

    Args:
        path: of the file; maps made by earlier versions have none.
        most: components to be listed.

    Returns:
        None where there is no file.

    Raises:
        DataError: it is no such table.
    """
    if not path.exists():
        return None
    counts, pixels = np.zeros(len(EDGES), np.int64), np.zeros(len(EDGES), np.int64)
    largest = pd.DataFrame(columns=list(COLUMNS))
    least = 0
    try:
        with pd.read_csv(path, dtype=_TEXT, keep_default_na=False, chunksize=_BLOCK) as blocks:
            for block in blocks:
                sizes = block["pixels"].to_numpy(np.int64)
                if not len(sizes):
                    continue  # a header alone: its columns have no kind of numbers
                place = np.searchsorted(EDGES, sizes, side="right") - 1
                counts += np.bincount(place, minlength=len(EDGES))
                np.add.at(pixels, place, sizes)
                larger = block[sizes > least]
                largest = larger if not len(largest) else pd.concat([largest, larger])
                largest = largest.nlargest(most, "pixels")
                least = int(largest["pixels"].min()) if len(largest) == most else 0
    except (ValueError, KeyError) as error:
        raise DataError(
            f"{path} can't be read",
            expected=f"a table with the columns {', '.join(COLUMNS)}",
            found=str(error),
            fix="make the error maps again",
        ) from error
    return ComponentOverview(counts, pixels, largest.reset_index(drop=True))


def size_rows(found: ComponentOverview) -> list[SizeRow]:
    """The distribution, up to the row that holds the largest component; empty without any."""
    total, pixels = int(found.components.sum()), int(found.pixels.sum())
    rows = []
    for k in range(int(np.flatnonzero(found.components).max(initial=-1)) + 1):
        left = int(found.components[k:].sum())
        rows.append(
            SizeRow(
                least=EDGES[k],
                most=EDGES[k + 1] - 1 if k + 1 < len(EDGES) else None,
                components=int(found.components[k]),
                share=int(found.components[k]) / total,
                of_pixels=int(found.pixels[k]) / pixels,
                left=left,
                left_pixels=int(found.pixels[k:].sum()) / pixels,
            )
        )
    return rows


def region_rows(found: ComponentOverview, ranks: Mapping[str, int]) -> list[RegionRow]:
    """The largest components.

    Args:
        found: with their rows.
        ranks: of the cards, by the name of the mask.
    """
    axes = [f"centre_{axis}" for axis in found.axes]
    return [
        RegionRow(
            name=str(row["name"]),
            rank=ranks.get(str(row["name"])),
            component=int(row["component"]),
            pixels=int(row["pixels"]),
            share=float(row["share"]),
            given=str(row["given"]),
            proposed=str(row["proposed"]),
            p_given=float(row["p_given"]),
            centre=", ".join(f"{round(float(row[axis])):,}" for axis in axes),
        )
        for row in found.largest.to_dict("records")
    ]
