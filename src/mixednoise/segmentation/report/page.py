"""The page itself: one HTML file that needs nothing outside of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from numpy.typing import NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.colours import INK
from mixednoise.io import atomic_write, must_not_exist
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.report.cards import make_cards
from mixednoise.segmentation.report.classes import class_names_of, class_rows, joint_of, strata_of
from mixednoise.segmentation.report.inputs import ReportInput, worst_first
from mixednoise.segmentation.report.overlay import (
    GIVEN_COLOUR,
    PROPOSED_COLOUR,
    SUSPECTED_COLOUR,
)
from mixednoise.segmentation.report.results import (
    identification_grid,
    masks_grid,
    paired_grid,
    settings_rows,
)
from mixednoise.segmentation.report.words import (
    decimal,
    defined,
    findings,
    headline,
    share,
    whole,
)
from mixednoise.version import __version__

#: Bars of the distribution of the scores.
BARS = 20


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
    text = render(given, progress or Silent())
    with atomic_write(path) as temporary:
        # A path that is no UTF-8 (in a title, a setting, a command) must not be what fails.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def render(given: ReportInput, progress: Progress) -> str:
    """The page as text.

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
    known_pixels = int(flagged.sum()) / pixels if pixels else float("nan")
    quality = images["quality"].to_numpy(np.float64)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("mixednoise.segmentation.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(whole=whole, share=share, decimal=decimal)
    return environment.get_template("report.html").render(
        title=given.title,
        version=__version__,
        headline=headline(flagged, pixels),
        findings=[
            *findings(flagged, pixels, names, [row.error_rate for row in classes]),
            *given.notes,
        ],
        tiles=[
            ("masks checked", whole(len(images))),
            ("pixels suspected", share(known_pixels) if pixels else whole(flagged.sum())),
            ("masks without a suspicion", whole((flagged == 0).sum())),
            ("median label quality", decimal(_median(quality))),
        ],
        cards=cards,
        has_pictures=any(card.marked for card in cards),
        has_plain=any(card.plain for card in cards),
        more=len(images) - len(shown),
        classes=classes,
        has_flagged=any(defined(row.flagged) for row in classes),
        joint=joint,
        strata=strata,
        histogram=histogram(quality),
        identification=identification_grid(given.identification),
        masks=masks_grid(given.masks),
        paired=paired_grid(given.paired),
        settings=settings_rows(given.settings),
        commands=list(given.commands),
        colours={
            "given": GIVEN_COLOUR,
            "suspected": SUSPECTED_COLOUR,
            "proposed": PROPOSED_COLOUR,
            "halo": INK,
        },
    )


def histogram(quality: NDArray[np.float64]) -> dict[str, Any] | None:
    """Distribution of the scores: bars from the lowest to the highest score, rounded to 0.05.

    Args:
        quality: (N,) in [0, 1]; NaN = not known.

    Returns:
        ``bars``: ``(height in percent, count, low, high)``; ``low, high``: the ends of the axis;
        ``most``: the highest count. None where there is no score.

    Raises:
        DataError: a score outside [0, 1].
    """
    known = quality[~np.isnan(quality)]
    if not len(known):
        return None
    if known.min() < 0 or known.max() > 1:
        raise DataError(
            "a label quality is no share",
            expected="numbers from 0 to 1",
            found=f"{known.min():.4g} to {known.max():.4g}",
            fix="pass the table of images.csv as it was written",
        )
    low, high = np.floor(known.min() * 20) / 20, np.ceil(known.max() * 20) / 20
    if high <= low:
        low, high = max(0.0, low - 0.05), min(1.0, high + 0.05)
    counts, edges = np.histogram(known, bins=BARS, range=(low, high))
    most = int(counts.max())
    bars = [
        (100 * int(n) / most, int(n), float(a), float(b))
        for n, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    return {"bars": bars, "low": float(low), "high": float(high), "most": most}


def _labelled_pixels(given: ReportInput, flagged: NDArray[np.int64]) -> int | None:
    """Labelled pixels of the set; None where the summary doesn't tell or tells nonsense."""
    pixels: Any = given.summary.get("pixels")
    if not defined(pixels) or int(pixels) < max(1, int(flagged.sum())):
        return None
    return int(pixels)


def _median(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
