"""CSV and TSV files as columns of text, with the line of the file that each row stands on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixednoise.data.image_files import is_image
from mixednoise.data.report import counted, examples
from mixednoise.data.table import Split
from mixednoise.errors import DataError

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", "")


@dataclass(frozen=True)
class TextTable:
    """Cells as text.

    Attributes:
        columns: the cells of each column, N of each.
        files: the files that were read, in order.
        file: int64 (N,), index into ``files``.
        line: int64 (N,), the line on which the row begins, counted from 1 as editors do.
        splits: the split that each file's name tells, where it tells one.
    """

    columns: dict[str, list[str]]
    files: tuple[Path, ...]
    file: npt.NDArray[np.int64]
    line: npt.NDArray[np.int64]
    splits: tuple[Split | None, ...] = (None,)

    def __len__(self) -> int:
        return len(self.line)

    def where(self, row: int) -> str:
        """``labels.csv, line 17``."""
        return f"{self.files[self.file[row]].name}, line {self.line[row]}"

    def find_column(self, name: str) -> str | None:
        """The column of that name, in any letter case."""
        return next((column for column in self.columns if column.casefold() == name), None)


def read_text(path: Path) -> str:
    """Read a text file, refusing what is none.

    Raises:
        DataError: the file can't be read, holds binary data, or is not UTF-8 (or UTF-16 with a
            byte order mark, as spreadsheets write it). Other encodings are not guessed: a wrong
            guess would change the names of classes and images.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"can't read {path}",
            expected="a file that you may read",
            found=error.strerror or str(error),
            fix="check its permissions",
        ) from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
        found = "binary data" if "\0" in text else ""
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        binary = encoding != "utf-16" and b"\0" in content
        found = "binary data" if binary else f"line {line} is not {encoding.upper()[:6].strip('-')}"
    if found:
        raise DataError(
            f"{path} is not a text file that can be read",
            expected="a CSV or TSV file in UTF-8",
            found=found,
            fix="export it again as CSV in UTF-8 (Excel: save as 'CSV UTF-8'), or convert it: "
            f"iconv -f WINDOWS-1252 -t UTF-8 {path.name}"
            if "not UTF" in found
            else "export it again as CSV in UTF-8",
        )
    return text


def read_table_file(path: Path, split: Split | None = None) -> TextTable:
    """Read one CSV or TSV file with a header line.

    The separator is a tab for .tsv and .tab, otherwise whichever of comma, semicolon and tab is
    most frequent in the header. Blank lines are skipped.

    Raises:
        DataError: no header, no rows, rows longer than the header, two columns of one name, an
            unclosed quote, or not a text file.
    """
    text = read_text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise DataError(
            f"{path} is empty",
            expected="a header line and a row per image",
            found="no text in it",
            fix="export the table again",
        )
    delimiter = _delimiter(path, first)
    rows, lines = _parse(path, text, delimiter)
    header = _header(path, rows[0])
    rows, lines = rows[1:], lines[1:]
    if not rows:
        raise DataError(
            f"{path} has a header but no rows",
            expected="a row per image below the header",
            found=f"columns {', '.join(header)}",
            fix="export the table again",
        )
    _check_lengths(path, rows, lines, len(header))
    width = len(header)
    padded = [row if len(row) == width else (row + [""] * width)[:width] for row in rows]
    columns = {
        name: list(cells) for name, cells in zip(header, zip(*padded, strict=True), strict=True)
    }
    return TextTable(
        columns, (path,), np.zeros(len(rows), np.int64), np.array(lines, np.int64), (split,)
    )


def read_columns(path: Path) -> TextTable:
    """The columns of a file by its first line, without a row; of a file that is no table, none."""
    with path.open("rb") as file:
        first = file.readline(10_000).decode("utf-8-sig", "replace").replace("\0", "")
    names = next(csv.reader(first.splitlines()[:1], delimiter=_delimiter(path, first)), [])
    no_rows = np.zeros(0, np.int64)
    return TextTable({name.strip(): [] for name in names}, (path,), no_rows, no_rows)


def join_tables(tables: Sequence[TextTable]) -> TextTable:
    """One table after the other; a column that a table lacks is blank there."""
    names = dict.fromkeys(name for table in tables for name in table.columns)
    return TextTable(
        columns={
            name: [cell for t in tables for cell in t.columns.get(name, [""] * len(t))]
            for name in names
        },
        files=tuple(file for table in tables for file in table.files),
        file=np.repeat(np.arange(len(tables)), [len(table) for table in tables]),
        line=np.concatenate([table.line for table in tables]),
        splits=tuple(split for table in tables for split in table.splits),
    )


def _parse(path: Path, text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """All records that are not blank, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows, lines = [], []
    begin = 1
    _check_ends(path, text, delimiter)
    try:
        for row in reader:
            if any(row) and any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} is damaged at line {begin}",
            expected=f"cells separated by {_name(delimiter)}, quotes opened and closed",
            found=str(error),
            fix="correct that line",
        ) from error
    return rows, lines


def _check_ends(path: Path, text: str, delimiter: str) -> None:
    """Refuse rows that a carriage return cuts in two, as programs of Unix leave them.

    They append to lines that end as on Windows, behind the carriage return: the header would end
    before the new column.
    """
    if not re.search(r"\r(?!\n)", text):
        return
    lines = list(io.StringIO(text, newline=""))
    reader = csv.reader(iter(lines), delimiter=delimiter)
    ends = set()
    try:
        for _ in reader:
            last = lines[reader.line_num - 1]  # a cell in quotes may have several
            if last.endswith("\n"):
                ends.add("\n")
            elif last.endswith("\r"):
                ends.add("\r")
            if len(ends) > 1:
                number = sum(line.endswith("\n") for line in lines[: reader.line_num])
                raise DataError(
                    f"{path} has lines that end in different ways",
                    expected="the same end of all lines",
                    found=f"a carriage return inside of line {max(1, number)}, as when something "
                    "is appended to the lines of a file from Windows",
                    fix=f"take them out: tr -d '\\r' < {path.name} > mended.csv",
                )
    except csv.Error:
        return  # told by the reading itself


def _header(path: Path, cells: list[str]) -> list[str]:
    """The column names; a nameless column (a written index) gets its number."""
    if any(is_image(cell.strip()) for cell in cells):
        raise DataError(
            f"{path} has no header",
            expected="column names in its first line, such as image,label",
            found=", ".join(cells),
            fix="add a first line that names the columns",
        )
    while len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    names = [cell.strip() or f"(column {number})" for number, cell in enumerate(cells, 1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"{path} has two columns of the same name",
            expected="a different name for each column",
            found=", ".join(twice),
            fix="rename one of them",
        )
    return names


def _check_lengths(path: Path, rows: list[list[str]], lines: list[int], width: int) -> None:
    long = [
        line
        for row, line in zip(rows, lines, strict=True)
        if len(row) > width and any(cell.strip() for cell in row[width:])
    ]
    if long:
        raise DataError(
            f"{path} has {counted(len(long), 'row')} with more cells than the header has columns",
            expected=counted(width, "cell"),
            found=f"more on line {examples(long)}",
            fix="put cells that hold the separator into double quotes",
        )


def _delimiter(path: Path, first: str) -> str:
    return "\t" if path.suffix.lower() in (".tsv", ".tab") else max(",;\t", key=first.count)


def _name(delimiter: str) -> str:
    return {",": "commas", ";": "semicolons", "\t": "tabs"}[delimiter]
