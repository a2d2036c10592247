"""What a report is made from: plain data, so that every command can make one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.image_errors import DICE, LOSS, WHOLE
from mixednoise.segmentation.report.overlay import OverlayCase
from mixednoise.segmentation.report.regions import ComponentOverview

#: Columns of ``images.csv`` that the report shows.
COLUMNS = (
    "name",
    "quality",
    "flagged_pixels",
    "flagged_share",
    "components",
    "largest_component",
)
#: Masks shown with a picture at most: keeps the page below some ten megabytes.
MAX_CASES = 48


@dataclass(frozen=True)
class ReportInput:
    """Everything on the page.

    Attributes:
        title: what was checked.
        summary: as in ``summary.json``. Read are ``class_names``, ``pixels`` (labelled pixels of
            the set), ``class_counts``, ``flagged_per_class``, ``thresholds`` and ``error_rate``
            (K numbers, or a mapping in class order), ``joint`` (K, K, rows the given class,
            columns the true one, summing to 1), and ``strata``: with a boundary band, ``{name,
            class_counts, thresholds, calibrated_counts}`` of each part. What is lacking is left
            out of the page.
        images: one row per mask with :data:`COLUMNS`, and where they are known the
            columns of whole masks; ``name`` is text, ``quality`` in [0, 1], low = look first.
        components: the connected components in short; None = not known.
        class_names: K names; empty = those of the summary.
        case: gives the arrays of a case by its name; asked only for those that are shown. None =
            no pictures.
        identification: ``{method: IdentificationEvaluator.summary()}``, where the truth is known.
        masks: ``{method: MaskEvaluator.summary()}``, where the truth is known.
        paired: :func:`~mixednoise.evaluation.paired.compare_methods` of the Dice per case.
        settings: what the result was made with; mappings inside of it are flattened.
        notes: further sentences below the headline.
        commands: ``(what it is for, command line)``: what to do next.
        max_cases: masks listed and drawn at most.
        listed_in: the file that holds all of them.
    """

    title: str
    summary: Mapping[str, Any]
    images: pd.DataFrame
    components: ComponentOverview | None = None
    class_names: Sequence[str] = ()
    case: Callable[[str], OverlayCase] | None = None
    identification: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    masks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    paired: pd.DataFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    commands: Sequence[tuple[str, str]] = ()
    max_cases: int = MAX_CASES
    listed_in: str = "images.csv"


def worst_first(given: ReportInput) -> pd.DataFrame:
    """The rows of ``images`` in the order of the page: lowest quality first.

    Ties go by suspected pixels, most first, then by name; a mask without a quality comes last.

    Raises:
        DataError: a column is missing, or a name is there twice.
        ConfigError: ``max_cases`` is below zero.
    """
    if given.max_cases < 0:
        raise ConfigError(
            "the report can't show that few masks",
            expected="max_cases of at least 0",
            found=str(given.max_cases),
            fix=f"the usual number is {MAX_CASES}",
        )
    lacking = [name for name in COLUMNS if name not in given.images.columns]
    if lacking:
        raise DataError(
            "the table of images is not complete",
            expected=f"columns {', '.join(COLUMNS)}",
            found=f"no {examples(lacking)}; there are {examples(given.images.columns, 12)}",
            fix="pass the table of images.csv as it was written",
        )
    twice = given.images["name"][given.images["name"].duplicated()]
    if len(twice):
        raise DataError(
            "a mask is listed twice",
            expected="one row per name",
            found=examples(twice),
            fix="give every case a name of its own",
        )
    table = given.images[
        [c for c in (*COLUMNS, DICE, LOSS, WHOLE) if c in given.images.columns]
    ].copy()
    for column in table.columns[1:]:
        table[column] = pd.to_numeric(table[column], errors="coerce").astype(np.float64)
    table["name"] = table["name"].astype(str)
    return table.sort_values(
        ["quality", "flagged_pixels", "name"],
        ascending=[True, False, True],
        na_position="last",
        ignore_index=True,
        kind="stable",
    )
