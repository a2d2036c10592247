"""Sample weights of a table: numbers from 0 up, or one message that says which are none."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mixednoise.data.class_names import is_blank
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_names import split_of
from mixednoise.data.report import Problem, counted, examples


def read_weights(raw: RawRows, usable: Sequence[bool]) -> tuple[list[float] | None, list[Problem]]:
    """The weight of every row, and what is wrong with the weights of usable rows.

    A blank cell is 1 in rows of validation and test, where weights mean nothing.

    Args:
        raw: what the layout has read.
        usable: whether a row will be one of the data set.

    Returns:
        N weights (1 where a row has none that counts), or None where there is no such column.
    """
    if raw.weight is None:
        return None, []
    values, wrong = [], []
    for row, cell in enumerate(raw.weight):
        value = _number(cell)
        if value is None:
            split = None if raw.split is None else split_of(raw.split[row])
            if usable[row] and not (is_blank(cell) and split in ("val", "test")):
                wrong.append(f"{cell!r} in {raw.where(row)}")
            value = 1.0
        values.append(value)
    if not wrong:
        return values, []
    return values, [
        Problem(
            "stop",
            f"{counted(len(wrong), 'sample weight')} of column {raw.weight_column!r} can't be used",
            expected="a number from 0 up for every training image, such as 1 or 0.35",
            found=examples(wrong),
            fix="correct the cells, or name another column with --weight-column",
        )
    ]


def _number(cell: str) -> float | None:
    """A finite number from 0 up, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
