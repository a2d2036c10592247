"""The change log: who changed what, when, from what to what, and why."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mixednoise.review.apply.plan import Ruling

#: Columns of ``*.changes.csv``; ``to`` is empty where the sample is left out. Where samples have
#: weights, ``sample_weight`` as it were without the change follows.
COLUMNS = ("id", "split", "from", "to", "action", "reviewers", "when", "why", "source")
#: Between the names of several reviewers, or sources.
BETWEEN = "; "


def changes_table(rulings: Iterable[Ruling]) -> pd.DataFrame:
    """A row per change, text throughout."""
    rows = [
        (
            *(one.id, one.split, one.given, one.label, one.action),
            *(BETWEEN.join(one.reviewers), one.when, one.why, one.source),
        )
        for one in rulings
        if one.changes
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype="string")


def changes_file(out: Path) -> Path:
    """``corrected.changes.csv`` of ``corrected.csv``."""
    return out.with_name(f"{out.stem}.changes.csv")


def excluded_file(out: Path) -> Path:
    """``corrected.excluded.csv`` of ``corrected.csv``: the rows that were left out, whole."""
    return out.with_name(f"{out.stem}.excluded.csv")
