"""Rows that were measured before, on another day or machine, whose run folders are gone."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from mixednoise.benchmark.cells import Cell
from mixednoise.benchmark.rows import FIRST, LAST
from mixednoise.errors import ConfigError


@dataclass
class KnownRows:
    """Rows that stand for cells.

    Attributes:
        rows: name of a cell -> its row.
        other_commands: names of cells whose rows came of another command; they are run again.
    """

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    other_commands: list[str] = field(default_factory=list)


def known_rows(paths: Sequence[Path], cells: Sequence[Cell]) -> KnownRows:
    """The rows of these files that stand for cells: of the same command, wherever its files lay.

    Args:
        paths: ``rows.csv`` of benchmarks; where several know a cell, the first counts.
        cells: of the matrix; rows of others are passed over.

    Raises:
        ConfigError: a file is not there, or holds no rows of a benchmark.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        for row in _read(path).to_dict("records"):
            name = "/".join(str(row[key]) for key in ("data", "noise", "method", "seed"))
            found.setdefault(name, {str(key): value for key, value in row.items()})
    known = KnownRows()
    for cell in cells:
        if cell.name not in found:
            continue
        if _without_places(str(found[cell.name]["command"])) == _without_places(cell.command):
            known.rows[cell.name] = found[cell.name]
        else:
            known.other_commands.append(cell.name)
    return known


def _read(path: Path) -> pd.DataFrame:
    expected = "rows.csv of a benchmark"
    if not path.is_file():
        raise ConfigError(
            f"there are no rows in {path}",
            expected=expected,
            found="nothing there" if not path.exists() else "no file",
            fix="correct the path behind --rows",
        )
    try:
        # A cell may well be called "none" or "NA".
        table = pd.read_csv(path, keep_default_na=False, na_values=[""])
        missing = [name for name in (*FIRST, *LAST) if name not in table]
    except ValueError as error:  # what pandas raises derives from it
        raise ConfigError(
            f"{path} can't be read as a table",
            expected=expected,
            found=str(error),
            fix="take the file as the benchmark has written it",
        ) from error
    if missing:
        raise ConfigError(
            f"{path} holds no rows of a benchmark",
            expected=f"{expected}, with the columns {', '.join((*FIRST, *LAST))}",
            found=f"no column {missing[0]}",
            fix="take the file as the benchmark has written it",
        )
    return table


def _without_places(command: str) -> list[str]:
    """The words of a command, of paths the last part alone."""
    return [PurePath(word).name if "/" in word else word for word in shlex.split(command)]
