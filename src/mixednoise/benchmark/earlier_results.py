"""Rows, table and picture that are there already: others' are not replaced, measured ones kept."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import pandas as pd

from mixednoise.benchmark.known_rows import names_of, read_rows
from mixednoise.benchmark.notes import DONE
from mixednoise.errors import ConfigError, RunError

ROWS, TABLE, PICTURE = "rows.csv", "table.md", "comparison.png"


class EarlierResults:
    """What an earlier call has left in the folder of a benchmark.

    Args:
        out: the folder.

    Raises:
        RunError: a file that would be replaced is none that a benchmark has written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        file = out / ROWS
        foreign = [name for name in (TABLE, PICTURE) if (out / name).exists()]
        if not file.exists():
            if foreign:
                raise self._not_ours(foreign[0], f"{foreign[0]}, and no {ROWS}")
            self._rows = pd.DataFrame()
            return
        try:
            self._rows = read_rows(file)
        except ConfigError as error:
            raise self._not_ours(ROWS, str(error.found)) from error

    def keep(self, rows: pd.DataFrame, remade: Collection[str] = ()) -> Path | None:
        """Copy the earlier rows where these lack a row whose run folder is gone.

        Args:
            rows: that are going to be written.
            remade: names of cells that are run again because somebody wants it.

        Returns:
            The copy, ``rows-DATE.csv``; None where nothing would be lost.
        """
        if self._rows.empty:
            return None
        there = set(names_of(rows)) if len(rows) else set()
        lost = [name for name in names_of(self._rows) if name not in {*there, *remade}]
        if all((self.out / "runs" / name / DONE).exists() for name in lost):
            return None
        now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        copy = self.out / f"rows-{now}.csv"
        shutil.copy2(self.out / ROWS, copy)
        return copy

    def _not_ours(self, name: str, found: str) -> RunError:
        return RunError(
            f"{self.out / name} would be replaced, and is not of a benchmark",
            expected="a new folder, or that of a benchmark",
            found=found,
            fix="choose another --out, or move the file away",
        )
