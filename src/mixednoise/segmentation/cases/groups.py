"""Which patient a case belongs to, or which split, as a CSV file tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mixednoise.data.readers.split_names import split_of
from mixednoise.data.readers.table_file import TextTable, read_table_file
from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.cases.folders import Entry
from mixednoise.segmentation.cases.formats import split_ending

NAME_COLUMNS = ("name", "image", "image_id", "case", "case_id", "id", "file", "filename")
GROUP_COLUMNS = (
    "group",
    "patient",
    "patient_id",
    "patientid",
    "subject",
    "subject_id",
    "lesion_id",
)
SPLIT_COLUMNS = ("split", "subset", "partition", "set", "fold")


def read_groups(path: Path, name_column: str | None, group_column: str | None) -> dict[str, str]:
    """The group of each case that a CSV names: stem of the file -> group.

    Args:
        path: CSV or TSV with a header.
        name_column, group_column: their names; None = one of the usual ones.

    Raises:
        ConfigError: no such column.
        DataError: the file can't be read, or gives one case two groups.
    """
    return _read(path, name_column, group_column, GROUP_COLUMNS, "group")


def read_splits(path: Path, name_column: str | None, split_column: str | None) -> dict[str, str]:
    """The split of each case that a CSV names: stem of the file -> train, val or test.

    Raises:
        ConfigError: no such column.
        DataError: as :func:`read_groups`, or a cell that names no split.
    """
    cells = _read(path, name_column, split_column, SPLIT_COLUMNS, "split")
    wrong = {cell for cell in cells.values() if split_of(cell) is None}
    if wrong:
        raise DataError(
            f"{path} names splits that there are not",
            expected="train, val (validation) or test, or a blank cell",
            found=examples(sorted(wrong)),
            fix="correct the cells, or name another column with --split-column",
        )
    return {name: str(split_of(cell)) for name, cell in cells.items()}


def look_up(cells: dict[str, str], names: Sequence[str], entries: Sequence[Entry]) -> list[str]:
    """For each case the cell of its name, of its path, or of its stem; '' = none."""
    return [
        next((cells[key] for key in (name, entry.key, entry.stem) if key in cells), "")
        for name, entry in zip(names, entries, strict=True)
    ]


def read_case_table(path: Path, expected: str) -> TextTable:
    """A table about cases.

    Args:
        path: CSV or TSV with a header.
        expected: what it should be, for the message.

    Raises:
        DataError: there is no such file, or it can't be read.
    """
    if not path.is_file():
        raise DataError(
            f"there is no file {path}",
            expected=expected,
            found="a folder" if path.is_dir() else "nothing of that name",
            fix="correct the path",
        )
    return read_table_file(path)


def _read(
    path: Path, name_column: str | None, column: str | None, usual: Sequence[str], what: str
) -> dict[str, str]:
    table = read_case_table(path, expected=f"a CSV file with the {what} of each case")
    names = _column(table, path, name_column, NAME_COLUMNS, "name")
    values = _column(table, path, column, usual, what)
    result: dict[str, str] = {}
    conflicts = []
    for row, (name, value) in enumerate(zip(names, values, strict=True)):
        stem = split_ending(name.strip().replace("\\", "/"))[0]
        if not stem or not value.strip():
            continue
        if result.setdefault(stem, value.strip()) != value.strip():
            conflicts.append(f"{stem}: {result[stem]}, and {value.strip()} in {table.where(row)}")
    if conflicts:
        raise DataError(
            f"{path} gives {counted(len(conflicts), 'case')} more than one {what}",
            expected=f"one {what} per case",
            found=examples(conflicts, separator="; "),
            fix="correct the file",
        )
    return result


def _column(
    table: TextTable, path: Path, given: str | None, usual: Sequence[str], what: str
) -> list[str]:
    wanted = usual if given is None else (given,)
    for name in wanted:
        column = table.find_column(name.casefold())
        if column is not None:
            return table.columns[column]
    raise ConfigError(
        f"no column for the {what} in {path}",
        expected=" or ".join(wanted),
        found=examples(table.columns, 12),
        fix=f"name it with --{what}-column",
    )
