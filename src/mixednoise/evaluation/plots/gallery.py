"""The most suspicious images on one page: a curator's first look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.colours import GREY, GROUP_COLOURS, GROUP_TITLES, INK
from mixednoise.evaluation.plots.style import BODY, MARGIN, SMALL, STYLE, WIDTH, new_figure
from mixednoise.evaluation.plots.text import count, fit, shorten_middle
from mixednoise.quality.reasons import split_reasons

#: The groups that a curator looks at, in the order of the page.
SECTIONS = ("mis_h", "mis_l")
_GAP = 0.14  # inches between two images
_LINE = 1.32 * SMALL / 72  # inches per line of text
_TEXT_LINES = 6  # below each image, at most
_HEADING = 0.29  # inches above each section


def most_suspicious(table: pd.DataFrame, per_section: int = 12) -> NDArray[np.int64]:
    """Which rows of an audit table to show: mis_h before mis_l.

    The worst ``label_quality`` first; of the unreadable images the surest first, because how wrong
    a random label is says nothing of the image.

    Args:
        table: audit table, columns ``group``, ``label_quality`` and ``p_mis_l``.
        per_section: at most so many of each group.

    Returns:
        Positions in the table, int64 (n,), n <= 2 * per_section.
    """
    group = table["group"].to_numpy(object)
    quality, unreadable = (
        table[name].to_numpy(np.float64, na_value=np.nan) for name in ("label_quality", "p_mis_l")
    )
    chosen = []
    for name in SECTIONS:
        rows = np.flatnonzero(group == name)
        worst = -unreadable if name == "mis_l" else quality
        chosen.append(rows[np.argsort(worst[rows], kind="stable")][:per_section])
    return np.concatenate(chosen).astype(np.int64)


@rc_context(STYLE)
def plot_gallery(
    images: ArrayLike,
    table: pd.DataFrame,
    *,
    totals: Mapping[str, int] | None = None,
    columns: int = 6,
    title: str = "Look at these first",
) -> Figure:
    """Thumbnails of suspicious images with what was given, what is suggested, and why.

    Args:
        images: uint8 (n, S, S, 3), one per row of ``table``, RGB.
        table: n rows of an audit table, e.g. those of :func:`most_suspicious`, in the order to be
            shown; rows of the group ``correct`` or of none are not shown.
        totals: how many images each group holds altogether, for the headings.
        columns: images per row.
        title: first line of the figure.

    Raises:
        DataError: not one image per row.
    """
    pixels = np.asarray(images)
    if len(pixels) != len(table) or (len(table) and pixels.ndim != 4):
        raise DataError(
            "the images and the rows of the gallery don't fit together",
            expected=f"an array (n, S, S, 3) with n = {len(table)}",
            found=str(pixels.shape),
            fix="take the images of exactly these rows, in their order",
        )
    side = (WIDTH - 2 * MARGIN - (columns - 1) * _GAP) / columns
    row_height = side + 0.06 + _TEXT_LINES * _LINE + 0.12
    members = {name: np.flatnonzero(table["group"].to_numpy(object) == name) for name in SECTIONS}
    body = sum(
        _HEADING + (-(-len(rows) // columns) * row_height if len(rows) else 2 * _LINE)
        for rows in members.values()
    )
    figure = new_figure(
        body + 0.1,
        title,
        "The training images whose given label is least likely to be right. Suggestions are the "
        "network's; the decision is yours.",
        arranged=False,
    )
    height = float(figure.get_figheight())
    top = body + 0.1
    for name, rows in members.items():
        _heading(figure, name, len(rows), totals, top / height)
        top -= _HEADING
        if not len(rows):
            figure.text(MARGIN / WIDTH, top / height, "none found", size=BODY, color=GREY, va="top")
            top -= 2 * _LINE
            continue
        for k, row in enumerate(rows):
            left = MARGIN + (k % columns) * (side + _GAP)
            upper = top - (k // columns) * row_height
            axes = figure.add_axes(
                (left / WIDTH, (upper - side) / height, side / WIDTH, side / height)
            )
            axes.imshow(pixels[row], aspect="auto")
            axes.set_xticks([])
            axes.set_yticks([])
            for spine in axes.spines.values():
                spine.set(edgecolor=GROUP_COLOURS[name], linewidth=2.5)
            lines = caption(table.iloc[row], side * 72)
            for number, (text, colour, weight) in enumerate(lines):
                y = upper - side - 0.06 - number * _LINE
                figure.text(
                    left / WIDTH,
                    y / height,
                    text,
                    size=SMALL,
                    color=colour,
                    weight=weight,
                    va="top",
                )
        top -= -(-len(rows) // columns) * row_height
    return figure


def caption(row: pd.Series[str], width: float) -> list[tuple[str, str, str]]:
    """Lines below an image: (text, colour, weight) each, none wider than ``width`` points."""
    given, suggested = _word(row["given_label"]), _word(row["suggested_label"])
    lines = [(fit(given, width, SMALL)[0], INK, "normal")]
    if suggested and suggested != given:
        arrow = fit(f"→ {suggested}", width, SMALL, weight="bold")[0]
        lines.append((arrow, INK, "bold"))
    group = str(row["group"])
    certainty = f"p({group}) {float(row[f'p_{group}']):.2f}"
    lines.append((fit(certainty, width, SMALL)[0], GREY, "normal"))
    truth = _word(row.get("true_label"))
    if truth:
        lines.append((fit(f"truth: {truth}", width, SMALL)[0], GREY, "normal"))
    else:
        lines.append((shorten_middle(str(row["id"]), width, SMALL), GREY, "normal"))
    room = _TEXT_LINES - len(lines)
    reason = _short_reason(_word(row["reasons"]))
    lines += [(text, GREY, "normal") for text in fit(reason, width, SMALL, lines=room) if text]
    return lines


def _word(value: object) -> str:
    """Text of a cell; nothing for what a table read back from CSV holds as NaN."""
    return value if isinstance(value, str) else ""


def _short_reason(reasons: str) -> str:
    """The first reason that the lines above don't tell already."""
    said = split_reasons(reasons)
    telling = [text for text in said if not text.startswith(("predicted ", "close call"))]
    return next(iter(telling or said), "")


def _heading(
    figure: Figure, name: str, shown: int, totals: Mapping[str, int] | None, y: float
) -> None:
    total = shown if totals is None else int(totals.get(name, 0))
    counted = f"{count(shown)} of {count(total)} shown" if total > shown else count(total)
    top = y - 0.02 / figure.get_figheight()
    figure.text(
        MARGIN / WIDTH,
        top,
        "■",
        size=BODY + 2,
        color=GROUP_COLOURS[name],
        va="top",
    )
    figure.text(
        (MARGIN + 0.18) / WIDTH,
        top,
        f"{GROUP_TITLES[name].capitalize()} ({name}): {counted}",
        size=BODY + 1,
        weight="bold",
        va="top",
    )
