"""Rows that were measured before, on another day or machine, whose run folders are gone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from mixednoise.benchmark.cells import Cell
from mixednoise.benchmark.rows import FIRST, LAST, METRICS
from mixednoise.errors import ConfigError

#: Columns that hold no numbers.
_TEXT = dict.fromkeys(("method", "data", "noise", "version", "main_metric", "command"), str)


@dataclass
class KnownRows:
    """Rows that stand for cells.

    Attributes:
        rows: name of a cell -> its row.
        other_commands: names of cells whose rows came of another command; they are run again.
        read: how many rows the files have.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    other_commands: list[str] = field(default_factory=list)
    read: int = 0


def known_rows(paths: Sequence[Path], cells: Sequence[Cell]) -> KnownRows:
    """The rows of these files that stand for cells: of the same command, wherever its files lay.

    Args:
        paths: ``rows.csv`` of benchmarks; where several know a cell, the first counts.
        cells: of the matrix; rows of others are passed over.

    Raises:
        ConfigError: a file is not there, or holds no rows of a benchmark.
    """
    found: dict[str, dict[str, Any]] = {}
    known = KnownRows()
    for path in paths:
        rows = read_rows(path)
        known.read += len(rows)
        for name, row in zip(names_of(rows), rows.to_dict("records"), strict=True):
            found.setdefault(name, {str(key): value for key, value in row.items()})
    for cell in cells:
        if cell.name not in found:
            continue
        if _without_places(str(found[cell.name]["command"])) == _without_places(cell.command):
            known.rows[cell.name] = found[cell.name]
        else:
            known.other_commands.append(cell.name)
    return known


def names_of(rows: pd.DataFrame) -> list[str]:
    """``data/noise/method/seed`` of every row."""
    return ["/".join(map(str, key)) for key in rows[["data", "noise", "method", "seed"]].to_numpy()]


def read_rows(path: Path) -> pd.DataFrame:
    """The rows of a benchmark as it has written them.

    Raises:
        ConfigError: the file is not there, or holds something else.
    """
    if not path.is_file():
        raise _no_rows(path, "nothing there" if not path.exists() else "no file")
    try:
        # A cell may well be called "none" or "NA".
        table = pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=_TEXT)
    except ValueError as error:  # what pandas raises derives from it
        raise _no_rows(path, str(error)) from error
    metrics = [f"{name}_{epoch}" for name in METRICS for epoch in ("last", "best")]
    missing = [name for name in (*FIRST, *LAST) if name not in table]
    if not missing and len(table):
        missing = [name for name in metrics if name not in table]
    if missing:
        raise _no_rows(path, f"no column {missing[0]}")
    numbers = [name for name in table if name not in _TEXT]
    for name in numbers:
        values = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name].notna() & values.isna()
        if name == "seed":
            wrong |= values.isna() | (values % 1 != 0)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise _no_rows(path, f"{name} {table[name].iloc[row]!r} in row {row + 1}")
        table[name] = values
    for row, command in enumerate(table["command"]):
        try:
            shlex.split(command)
        except (ValueError, AttributeError) as error:
            raise _no_rows(path, f"command {command!r} in row {row + 1}") from error
    return table.astype({"seed": int})


def _no_rows(path: Path, found: str) -> ConfigError:
    return ConfigError(
        f"{path} holds no rows of a benchmark",
        expected=f"rows.csv of a benchmark, with the columns {', '.join((*FIRST, *LAST))} and "
        "those of metrics",
        found=found,
        fix="take the file as the benchmark has written it",
    )


def _without_places(command: str) -> list[str]:
    """The words of a command, of paths the last part alone."""
    return [PurePath(word).name if "/" in word else word for word in shlex.split(command)]
