"""Looks at the data of a matrix before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mixednoise.benchmark.cells import READ_OPTIONS, Cell
from mixednoise.benchmark.matrix import Matrix
from mixednoise.data.readers import read_dataset
from mixednoise.errors import MixedNoiseError
from mixednoise.noise.corrupt import class_codes


def check_data(matrix: Matrix, cells: Sequence[Cell], root: Path) -> None:
    """Read the tables of the data sets that cells need, and hold class maps against their classes.

    Args:
        matrix: that the cells are of.
        cells: those that are going to be run.
        root: where relative paths of data start.

    Raises:
        DataError, ConfigError: as :func:`mixednoise.read_dataset`, and for a class map with a class
            that the data does not have.
    """
    for name in dict.fromkeys(cell.data for cell in cells):
        entry = matrix.data[name]
        noises = {cell.noise for cell in cells if cell.data == name}
        reading: dict[str, Any] = {option: getattr(entry, option) for option in READ_OPTIONS}
        if entry.image_root is not None:
            reading["image_root"] = root / entry.image_root
        try:
            dataset = read_dataset(
                root / entry.path,
                preset=reading.pop("layout"),
                class_names=entry.classes,
                ordinal=entry.ordinal,
                **reading,
            )
            if any(matrix.noise[noise].kind == "class_map" for noise in noises):
                class_codes(entry.class_map, dataset.class_names)
        except MixedNoiseError as error:
            error.add_note(f"  where: [data.{name}]")
            raise
