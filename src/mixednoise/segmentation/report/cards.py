"""The worst masks, each with its picture and what is suspected in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mixednoise.data.report import counted
from mixednoise.errors import MixedNoiseError
from mixednoise.pages.embed import data_uri
from mixednoise.segmentation.image_errors import WHOLE
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.report.overlay import (
    OverlayCase,
    draw_overlay,
    flat_case,
    grey_picture,
    shown_slice,
)

#: Width of a picture in pixels: a card is half as wide, so that it is sharp on any screen.
WIDTH = 480


@dataclass(frozen=True)
class Card:
    """One mask of the list.

    Attributes:
        rank: from 1, the worst.
        name: of the case.
        quality: in [0, 1]; NaN = not known.
        flagged: suspected pixels.
        share: of the labelled pixels of the mask, suspected.
        components: connected regions of suspected pixels.
        largest: pixels of the largest.
        marked: ``data:`` address of the picture with marks; empty = no picture.
        plain: ``data:`` address of the image alone; empty where there is no image.
        changes: what is given and what is proposed instead, the most frequent first.
        note: which slice is shown, or why there is no picture.
        p_wrong: probability that the mask is wrong as a whole; NaN = not told.
    """

    rank: int
    name: str
    quality: float
    flagged: float
    share: float
    components: float
    largest: float
    marked: str = ""
    plain: str = ""
    changes: tuple[str, ...] = ()
    note: str = ""
    p_wrong: float = float("nan")


def make_cards(
    rows: pd.DataFrame,
    names: Sequence[str],
    case: Callable[[str], OverlayCase] | None,
    width: int = WIDTH,
) -> Iterator[Card]:
    """A card per row, in order; a picture that fails is told of and left out.

    Args:
        rows: of the table of images, the worst first.
        names: K class names.
        case: gives the arrays of a case; None = no pictures.
        width: of the pictures, pixels.
    """
    for rank, row in enumerate(rows.to_dict("records"), 1):
        picture: tuple[str, str, tuple[str, ...], str] = ("", "", (), "")
        if case is not None:
            try:
                picture = _picture(case(str(row["name"])), names, width)
            except (MixedNoiseError, OSError, ValueError, MemoryError) as error:
                reason = error.problem if isinstance(error, MixedNoiseError) else str(error)
                picture = ("", "", (), f"no picture: {reason}")
        marked, plain, changes, note = picture
        yield Card(
            rank=rank,
            name=str(row["name"]),
            quality=float(row["quality"]),
            flagged=float(row["flagged_pixels"]),
            share=float(row["flagged_share"]),
            components=float(row["components"]),
            largest=float(row["largest_component"]),
            marked=marked,
            plain=plain,
            changes=changes,
            note=note,
            p_wrong=float(row.get(WHOLE, np.nan)),
        )


def _picture(
    case: OverlayCase, names: Sequence[str], width: int
) -> tuple[str, str, tuple[str, ...], str]:
    flat = flat_case(*case)
    plain = "" if flat.image is None else data_uri(grey_picture(flat, width=width))
    at = shown_slice(case.mask, case.flagged)
    note = "" if at is None else f"slice {at + 1:,} of {len(case.mask):,}"
    marked = data_uri(draw_overlay(*flat, width=width))
    return marked, plain, changes_in(case, names), note


def changes_in(case: OverlayCase, names: Sequence[str], most: int = 2) -> tuple[str, ...]:
    """``drawn as heart, probably lung: 812 pixels``, the most frequent changes first."""
    given, proposed = np.asarray(case.mask), np.asarray(case.proposed)
    spots = np.asarray(case.flagged, dtype=bool) & (given != IGNORE) & (given != proposed)
    pairs = given[spots].astype(np.int64) * (IGNORE + 1) + proposed[spots]
    values, counts = np.unique(pairs, return_counts=True)
    said = []
    for k in np.argsort(-counts, kind="stable")[:most]:
        old, new = (_name(int(v), names) for v in divmod(int(values[k]), IGNORE + 1))
        said.append(f"drawn as {old}, probably {new}: {counted(int(counts[k]), 'pixel')}")
    return tuple(said)


def _name(value: int, names: Sequence[str]) -> str:
    return names[value] if value < len(names) else f"class {value}"
