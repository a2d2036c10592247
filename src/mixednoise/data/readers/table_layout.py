"""CSV and TSV tables, of any columns or of a known public data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixednoise.data.class_names import canonical, is_blank
from mixednoise.data.image_files import find_images
from mixednoise.data.readers.assemble import assemble
from mixednoise.data.readers.columns import Columns, find_columns, find_image_column
from mixednoise.data.readers.corruption_file import with_known_classes
from mixednoise.data.readers.isic_layout import companion_folders, with_lesions
from mixednoise.data.readers.one_hot import CLASS_COLUMN, with_class_column
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.presets import Preset, choose_preset
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_lists import find_split_lists, with_split_lists
from mixednoise.data.readers.table_file import TextTable, join_tables, read_table_file
from mixednoise.data.report import Problem
from mixednoise.data.table import Dataset, Split
from mixednoise.errors import DataError


def read_tables(
    source: Path, files: Sequence[tuple[Path, Split | None]], options: ReadOptions
) -> Dataset:
    """Read one table, or one per split.

    Args:
        source: what the user named, for messages.
        files: the tables, and the split that each is (None = a column tells, or nothing does).
        options: the caller's wishes.

    Raises:
        DataError: see :func:`mixednoise.data.readers.read_dataset`.
    """
    problems: list[Problem] = []
    whole, preset, found = _open(source, files, options, problems)
    if len(files) == 1:
        options = with_known_classes(options, files[0][0])
    raw = replace(_raw_rows(source, whole, found, preset, options), problems=problems)
    if preset is not None and preset.companions and found.split is None:
        lists = find_split_lists(companion_folders(whole.files))
        raw = with_split_lists(raw, lists, found.image) if lists else raw
    return assemble(raw, options)


def other_columns(
    source: Path, files: Sequence[tuple[Path, Split | None]], options: ReadOptions
) -> tuple[list[str], dict[str, list[str]]]:
    """What a table holds beside the parts that :func:`read_tables` makes a data set of.

    Returns:
        The image value of each row, and the cells of every column that is neither image nor label,
        split, group, quality or known truth (sample weights are among the others).

    Raises:
        DataError: as :func:`read_tables`.
    """
    whole, preset, found = _open(source, files, options, [])
    used = {value for name, value in vars(found).items() if value and name != "weight"}
    if preset is not None:
        fields = (preset.column(whole, part) for part in ("macula", "disc"))
        used |= {CLASS_COLUMN, *preset.class_columns(whole), *(name for name in fields if name)}
    ids = [cell.strip() for cell in whole.columns[found.image]]
    return ids, {name: cells for name, cells in whole.columns.items() if name not in used}


def _open(
    source: Path,
    files: Sequence[tuple[Path, Split | None]],
    options: ReadOptions,
    problems: list[Problem],
) -> tuple[TextTable, Preset | None, Columns]:
    """One table of all files, which data set's it is, and its columns; adds what is wrong."""
    tables = [read_table_file(path, split) for path, split in files]
    preset = choose_preset(tables[0], options)
    if preset is not None and options.image_column is None:
        tables = [_one_row_per_field(table, preset) for table in tables]
    if preset is not None:
        tables = [_completed(table, preset, options, problems) for table in tables]
    names = {} if preset is None else preset.parts
    columns = [find_columns(table, options, names) for table in tables]
    if len({(found.image, found.label) for found in columns}) > 1:
        raise DataError(
            f"the tables in {source} name their columns differently",
            expected="the same image column and the same label column in each",
            found="; ".join(
                f"{table.files[0].name}: {found.image}, {found.label}"
                for table, found in zip(tables, columns, strict=True)
            ),
            fix="rename the columns, or read one table by its own path",
        )
    whole = join_tables(tables)
    return whole, preset, find_columns(whole, options, names)


def _raw_rows(
    source: Path, table: TextTable, columns: Columns, preset: Preset | None, options: ReadOptions
) -> RawRows:
    ids = [cell.strip() for cell in table.columns[columns.image]]
    folders = _image_folders(table.files, preset)
    paths, reasons = find_images(ids, folders, options.image_root)
    looked_in = [folder for folder in folders if folder.is_dir()]
    raw = RawRows(
        source=source,
        ids=ids,
        labels=table.columns[columns.label],
        where=table.where,
        paths=paths,
        reasons=reasons,
        split=_cells(table, columns.split),
        group=_cells(table, columns.group),
        quality=_cells(table, columns.quality),
        true_label=_cells(table, columns.true_label),
        noise_group=_cells(table, columns.noise_group),
        weight=_cells(table, columns.weight),
        label_of=f"column {columns.label!r}",
        group_column=columns.group or "",
        weight_column=columns.weight or "",
        looked_in=looked_in + ([options.image_root] if options.image_root else []),
    )
    if raw.split is None and any(table.splits):
        raw.split = [table.splits[file] or "" for file in table.file]
    if preset is None:
        return raw
    one_hot = columns.label == CLASS_COLUMN
    return replace(
        raw,
        allowed=preset.class_columns(table) if one_hot else preset.grades,
        label_of="the column that holds 1" if one_hot else raw.label_of,
        ordinal=None if preset.grades is None else True,
        quality=None if raw.quality is None else _named_quality(raw.quality, preset.quality),
        group=preset.patients(ids) if raw.group is None else raw.group,
    )


def _cells(table: TextTable, column: str | None) -> list[str] | None:
    return None if column is None else table.columns[column]


def _image_folders(files: Sequence[Path], preset: Preset | None) -> list[Path]:
    """Beside the tables, in ``images/`` beside them, then where the data set is known to have them.

    A data set's own folder may lie beside its table or, as the tables of some are two folders
    deep, up to two levels higher.
    """
    parents = dict.fromkeys(path.absolute().parent for path in files)
    folders = [folder for parent in parents for folder in (parent, parent / "images")]
    for name in () if preset is None else preset.folders:
        for parent in parents:
            folders += [place / name for place in (parent, *parent.parents[:2])]
    return folders


def _named_quality(cells: list[str], names: Mapping[str, str]) -> list[str]:
    """Codes as words, if every cell is one of the codes; otherwise as they are."""
    values = {cell: canonical(cell) for cell in set(cells) if not is_blank(cell)}
    if not names or not all(value in names for value in values.values()):
        return cells
    return [names[values[cell]] if cell in values else "" for cell in cells]


def _one_row_per_field(table: TextTable, preset: Preset) -> TextTable:
    """Two images per row (macula-centred, disc-centred) become two rows of the same eye."""
    fields = [preset.column(table, part) for part in ("macula", "disc")]
    if preset.column(table, "image") is not None or None in fields:
        return table
    both = [table.columns[column] for column in fields if column is not None]
    columns = {
        name: [cell for cell in cells for _ in both] for name, cells in table.columns.items()
    }
    columns["image"] = [cell for row in zip(*both, strict=True) for cell in row]
    return replace(
        table,
        columns=columns,
        file=np.repeat(table.file, len(both)),
        line=np.repeat(table.line, len(both)),
    )


def _completed(
    table: TextTable, preset: Preset, options: ReadOptions, problems: list[Problem]
) -> TextTable:
    """A table with the columns that its data set has in another form; adds what is wrong there."""
    classes = preset.class_columns(table) if options.label_column is None else ()
    if classes:
        table, told = with_class_column(table, classes)
        problems += told
    if preset.companions:
        table, told = with_lesions(table, find_image_column(table, options))
        problems += told
    return table
