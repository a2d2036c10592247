"""The page itself: one HTML file that needs nothing outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.evaluation.colours import INK
from mixednoise.io import must_not_exist
from mixednoise.pages.histogram import histogram, median
from mixednoise.pages.numbers import decimal, defined, share, whole
from mixednoise.pages.page import environment, write_page
from mixednoise.pages.tables import settings_rows
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.report.cards import make_cards
from mixednoise.segmentation.report.classes import class_names_of, class_rows, joint_of, strata_of
from mixednoise.segmentation.report.inputs import ReportInput, worst_first
from mixednoise.segmentation.report.overlay import (
    GIVEN_COLOUR,
    PROPOSED_COLOUR,
    SUSPECTED_COLOUR,
)
from mixednoise.segmentation.report.plane import PLANE, mask_plane
from mixednoise.segmentation.report.regions import region_rows, size_rows
from mixednoise.segmentation.report.results import (
    identification_grid,
    masks_grid,
    paired_grid,
)
from mixednoise.segmentation.report.words import findings, headline
from mixednoise.segmentation.whole_masks import in_words
from mixednoise.version import __version__


def write_report(
    given: ReportInput,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write ``report.html``: self-contained, readable offline, of bounded size.

    Every text of the user's is escaped, and the page forbids itself to load anything. With the
    usual 48 pictures it stays below some 8 MB whatever the images: a picture is at most 60 kB.

    Args:
        given: what is on the page.
        path: of the file.
        overwrite: whether an earlier report may be replaced.
        progress: takes a bar for the pictures.

    Raises:
        RunError: the file exists, or can't be written there.
        DataError: tables or estimates that don't fit together; nothing is written.
        TrainingError: the disk is full.
    """
    must_not_exist(path, overwrite=overwrite)
    template = environment("mixednoise.segmentation.report").get_template("report.html")
    write_page(template, _values(given, progress or Silent()), path)


def _values(given: ReportInput, progress: Progress) -> dict[str, Any]:
    """What the template shows.

    Raises:
        DataError: as in :func:`write_report`.
    """
    images = worst_first(given)
    names = class_names_of(given.class_names, given.summary)
    classes, joint = class_rows(given.summary, names), joint_of(given.summary, names)
    strata = strata_of(given.summary, names)
    flagged = np.nan_to_num(images["flagged_pixels"].to_numpy(np.float64)).astype(np.int64)
    pixels = _labelled_pixels(given, flagged)
    shown = images.head(given.max_cases)
    cards = list(progress.track(make_cards(shown, names, given.case), "report", total=len(shown)))
    has_pictures = any(card.marked or card.note for card in cards)
    known_pixels = int(flagged.sum()) / pixels if pixels else float("nan")
    quality = images["quality"].to_numpy(np.float64)
    return {
        "title": given.title,
        "version": __version__,
        "headline": headline(flagged, pixels),
        "findings": [
            *findings(flagged, pixels, names, [row.error_rate for row in classes]),
            *filter(None, [in_words(given.summary.get("whole_masks"), len(images))]),
            *given.notes,
        ],
        "tiles": [
            ("masks checked", whole(len(images))),
            ("pixels suspected", share(known_pixels) if pixels else whole(flagged.sum())),
            ("masks without a suspicion", whole((flagged == 0).sum())),
            ("median label quality", decimal(median(quality))),
        ],
        "cards": cards,
        "has_pictures": has_pictures,
        "has_plain": any(card.plain for card in cards),
        "listed_in": given.listed_in,
        "more": len(images) - len(shown),
        "classes": classes,
        "has_flagged": any(defined(row.flagged) for row in classes),
        "joint": joint,
        "strata": strata,
        "histogram": histogram(quality),
        "plane": mask_plane(images),
        "size": PLANE,
        **_regions(given, {card.name: card.rank for card in cards} if has_pictures else {}),
        "identification": identification_grid(given.identification),
        "masks": masks_grid(given.masks),
        "paired": paired_grid(given.paired),
        "settings": settings_rows(given.settings),
        "commands": list(given.commands),
        "colours": {
            "given": GIVEN_COLOUR,
            "suspected": SUSPECTED_COLOUR,
            "proposed": PROPOSED_COLOUR,
            "halo": INK,
        },
    }


def _regions(given: ReportInput, ranks: Mapping[str, int]) -> dict[str, Any]:
    """The connected components: how large they are, and the largest."""
    found = given.components
    if found is None:
        return {"region_sizes": []}
    rows = region_rows(found, ranks)
    settings = given.summary.get("settings") or {}
    return {
        "region_sizes": size_rows(found),
        "regions": rows,
        "centre_axes": ", ".join(found.axes),
        "more_regions": int(found.components.sum()) - len(rows),
        "min_region": int(settings.get("min_region", 0)),
    }


def _labelled_pixels(given: ReportInput, flagged: NDArray[np.int64]) -> int | None:
    """Labelled pixels of the set; None where the summary doesn't tell or tells nonsense."""
    pixels: Any = given.summary.get("pixels")
    if not defined(pixels) or int(pixels) < max(1, int(flagged.sum())):
        return None
    return int(pixels)
