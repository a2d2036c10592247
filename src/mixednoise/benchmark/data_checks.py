"""Looks at the data of a matrix before anything is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mixednoise.benchmark.cells import Cell
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
        try:
            dataset = read_dataset(
                root / entry.path,
                preset=entry.layout,
                image_column=entry.image_column,
                label_column=entry.label_column,
                split_column=entry.split_column,
                group_column=entry.group_column,
                weight_column=entry.weight_column,
                image_root=None if entry.image_root is None else root / entry.image_root,
                class_names=entry.classes,
                ordinal=entry.ordinal,
                take=entry.take,
                take_per_class=entry.take_per_class,
            )
            if any(matrix.noise[noise].kind == "class_map" for noise in noises):
                class_codes(entry.class_map, dataset.class_names)
        except MixedNoiseError as error:
            error.add_note(f"  where: [data.{name}]")
            raise
