"""Tables with a column per class and a 1 in one of them (one-hot)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mixednoise.data.class_names import is_blank
from mixednoise.data.readers.table_file import TextTable
from mixednoise.data.report import Problem, counted, examples

#: The column that is made of the others; in brackets, as no column of a user's is likely to be.
CLASS_COLUMN = "(class)"


def with_class_column(table: TextTable, columns: Sequence[str]) -> tuple[TextTable, list[Problem]]:
    """Add :data:`CLASS_COLUMN`: for each row the name of the column that holds its 1.

    A row whose cells are all blank has no label. In other rows a blank cell counts as 0.

    Args:
        table: of N rows.
        columns: the columns of the classes.

    Returns:
        The table with N more cells, '' where there is no label; and a problem that names each row
        that holds no 1, several, or a cell that is neither 0 nor 1.
    """
    rows = list(zip(*(table.columns[column] for column in columns), strict=True))
    marks = {cell: _mark(cell) for row in rows for cell in row}
    labels, bad = [], []
    for number, row in enumerate(rows):
        ones = [column for column, cell in zip(columns, row, strict=True) if marks[cell] == 1]
        odd = [
            f"{column} is {cell!r}"
            for column, cell in zip(columns, row, strict=True)
            if marks[cell] is None
        ]
        right = len(ones) == 1 and not odd
        labels.append(ones[0] if right else "")
        if not right and not all(map(is_blank, row)):
            what = examples(odd, 2) or (f"1 in {' and in '.join(ones)}" if ones else "no 1")
            bad.append(f"{table.where(number)}: {what}")
    whole = replace(table, columns={**table.columns, CLASS_COLUMN: labels})
    if not bad:
        return whole, []
    return whole, [
        Problem(
            "stop",
            f"{counted(len(bad), 'row')} of {table.files[0]} without exactly one class",
            expected=f"1 in one of the columns {', '.join(columns)}, 0 in the others",
            found=examples(bad, separator="; "),
            fix="put 1 into the column of the class and 0 into the others, or blank all of them "
            "where nobody gave a label: such images are set aside",
        )
    ]


def _mark(cell: str) -> int | None:
    """1, 0 (also for a blank cell), or None for anything else."""
    if is_blank(cell):
        return 0
    try:
        value = float(cell)
    except ValueError:
        return None
    return int(value) if value in (0, 1) else None
