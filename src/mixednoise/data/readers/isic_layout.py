"""ISIC 2019, and Task 3 of ISIC 2018: a column per class, and what lies beside their tables.

The tables are those of https://challenge.isic-archive.com/data (Codella et al. 2019, Combalia et
al. 2019): labels in ``..._GroundTruth.csv``, lesions in ``..._Metadata.csv`` (2019) or
``..._LesionGroupings.csv`` (2018), images in ``..._Input/``. Code that was published for them keeps
the labels in a folder ``ISIC/``, beside ``train.lst``, ``val.lst`` and ``test.lst``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mixednoise.data.class_names import is_blank
from mixednoise.data.readers.columns import COMMON_NAMES
from mixednoise.data.readers.presets import ISIC
from mixednoise.data.readers.split_lists import without_suffix
from mixednoise.data.readers.split_names import split_of
from mixednoise.data.readers.table_file import TextTable, read_columns, read_table_file
from mixednoise.data.report import Problem, counted, examples
from mixednoise.data.table import Split

LESION = "lesion_id"
_TABLES = (".csv", ".tsv")
_LESION_FILES = ("metadata", "lesiongroupings")


def isic_tables(folder: Path) -> list[tuple[Path, Split | None]]:
    """The label tables in a folder or, if there are none, in ``ISIC/`` or ``*_GroundTruth/`` there.

    They are known by their columns. Each comes with the split that a word of its name tells.
    """
    found = _label_tables(folder)
    if not found:
        parts = (path for path in sorted(folder.iterdir()) if _is_part(path) and path.is_dir())
        found = [table for part in parts for table in _label_tables(part)]
    return [(path, _split_in(path.stem)) for path in found]


def companion_folders(tables: Iterable[Path]) -> list[Path]:
    """Where lesions and lists of splits lie: beside the tables, in ``ISIC/`` there or next to it.

    A table that has a folder of its own, such as ``ISIC/``, may have them beside that folder.
    """
    folders: dict[Path, None] = {}
    for home in dict.fromkeys(path.absolute().parent for path in tables):
        near = [home, home / "ISIC", home.parent / "ISIC"]
        folders |= dict.fromkeys([*near, home.parent] if _is_part(home) else near)
    return [folder for folder in folders if folder.is_dir()]


def with_lesions(table: TextTable, image_column: str) -> tuple[TextTable, list[Problem]]:
    """Add the column ``lesion_id`` from the tables of lesions, if there are any.

    A table that tells groups itself is left as it is. An image without a lesion gets ''.

    Args:
        table: the labels, N rows.
        image_column: its column of images.

    Returns:
        The table, and a problem if an image is said to show two lesions.

    Raises:
        DataError: a table of lesions can't be read.
    """
    if any(table.find_column(name) for name in COMMON_NAMES["group"]):
        return table, []
    known: dict[str, tuple[str, str]] = {}
    conflicts = []
    for path in _lesion_tables(table.files):
        told = read_table_file(path)
        images, lesions = (
            told.columns[told.find_column(name) or ""] for name in (*ISIC.parts["image"], LESION)
        )
        for row, (image, lesion) in enumerate(zip(images, lesions, strict=True)):
            if is_blank(lesion):
                continue
            here = (lesion.strip(), told.where(row))
            name = without_suffix(image)
            first = known.setdefault(name, here)
            if first[0] != here[0]:
                conflicts.append(f"{name}: {first[0]!r} in {first[1]}, {here[0]!r} in {here[1]}")
    cells = [known.get(without_suffix(value), ("",))[0] for value in table.columns[image_column]]
    whole = replace(table, columns={**table.columns, LESION: cells}) if any(cells) else table
    if not conflicts:
        return whole, []
    return whole, [
        Problem(
            "stop",
            f"{counted(len(conflicts), 'image')} beside {table.files[0]} with two lesions",
            expected="one lesion per image",
            found=examples(conflicts, separator="; "),
            fix="correct the lesions, or move the file away that does not belong to these images",
        )
    ]


def _label_tables(folder: Path) -> list[Path]:
    return [path for path in _tables_in(folder) if ISIC.recognises(read_columns(path))]


def _lesion_tables(tables: Iterable[Path]) -> list[Path]:
    paths = [path for folder in companion_folders(tables) for path in _tables_in(folder)]
    return [
        path
        for path in paths
        if path.stem.casefold().endswith(_LESION_FILES)
        and all(map(read_columns(path).find_column, (*ISIC.parts["image"], LESION)))
    ]


def _tables_in(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _TABLES and not path.name.startswith(".") and path.is_file()
    )


def _is_part(folder: Path) -> bool:
    """Whether a folder holds the labels alone, and the rest lies around it."""
    name = folder.name.casefold()
    return name == "isic" or name.endswith("groundtruth")


def _split_in(stem: str) -> Split | None:
    splits = map(split_of, re.split(r"[\W_]+", stem))
    return next((split for split in splits if split is not None), None)
