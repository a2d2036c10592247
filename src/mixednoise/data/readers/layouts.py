"""Which layout is it? Decided by looking at names, before anything is read."""

from __future__ import annotations

from pathlib import Path

from mixednoise.data.class_names import did_you_mean
from mixednoise.data.readers.ddr_layout import ddr_files, looks_like_ddr, read_ddr
from mixednoise.data.readers.folder_layout import read_folders, sub_folders
from mixednoise.data.readers.isic_layout import isic_tables
from mixednoise.data.readers.npz_layout import read_npz
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.presets import ISIC, TABLE_PRESETS
from mixednoise.data.readers.split_names import split_of_file
from mixednoise.data.readers.table_file import TABLE_SUFFIXES
from mixednoise.data.readers.table_layout import read_tables
from mixednoise.data.table import Dataset, Split
from mixednoise.errors import DataError

#: Tables that make a folder a table's folder, whatever else lies in it.
_TABLE_NAMES = ("labels", "ham10000_metadata", "trainlabels")
#: Folders beside a table that are no classes.
_NO_CLASSES = {"images", "image", "img", "imgs", "masks", "mask"}


def read_layout(source: Path, options: ReadOptions) -> Dataset:
    """Recognise the layout of a file or folder and read it.

    Raises:
        DataError: nothing there, not readable, a kind of file that is not known, or several tables
            to choose from; and whatever the layout's reader raises.
    """
    try:
        return _read(source, options)
    except OSError as error:
        raise DataError(
            f"can't read {error.filename or source}",
            expected="files and folders that you may read",
            found=error.strerror or str(error),
            fix="check permissions and disks",
        ) from error


def _read(source: Path, options: ReadOptions) -> Dataset:
    if not source.exists():
        parent = source.absolute().parent
        near = did_you_mean(source.name, _names(parent)) if parent.is_dir() else ""
        raise DataError(
            f"{source} does not exist{near}",
            expected="a folder with a folder per class, a CSV or TSV file, or an .npz file",
            found="nothing of that name" if parent.is_dir() else f"no folder {parent}",
            fix="correct the path",
        )
    if source.is_dir():
        return _read_folder(source, options)
    suffix = source.suffix.lower()
    if suffix == ".npz":
        _refuse_preset(source, options, "medmnist")
        return read_npz(source, options)
    lists = _ddr_lists(source, options)
    if lists is not None:
        return read_ddr(source, lists, options)
    if suffix in TABLE_SUFFIXES:
        _refuse_preset(source, options, *(preset.name for preset in TABLE_PRESETS))
        return read_tables(source, table_files(source, options), options)
    raise DataError(
        f"{source} is of a kind that can't be read",
        expected="a folder with a folder per class, a CSV or TSV file, or an .npz file",
        found=f"a {suffix} file",
        fix="export the table as CSV with an image and a label column",
    )


def _read_folder(folder: Path, options: ReadOptions) -> Dataset:
    lists = _ddr_lists(folder, options)
    if lists is not None:
        return read_ddr(folder, lists, options)
    tables = table_files(folder, options)
    if tables:
        return read_tables(folder, tables, options)
    if options.preset is not None:
        raise DataError(
            f"{folder} does not look like {options.preset}",
            expected="an .npz file" if options.preset == "medmnist" else "its CSV file",
            found=", ".join(sorted(_names(folder))[:8]) or "an empty folder",
            fix="give the path of that file",
        )
    return read_folders(folder, options)


def table_files(source: Path, options: ReadOptions) -> list[tuple[Path, Split | None]]:
    """The tables that a file or folder is read from, each with its split where its name tells one.

    Empty for layouts without a table, such as a folder per class.
    """
    if _ddr_lists(source, options) is not None:
        return []
    if source.is_dir():
        return _tables(source, options)
    return [(source, None)] if source.suffix.lower() in TABLE_SUFFIXES else []


def _ddr_lists(source: Path, options: ReadOptions) -> list[Path] | None:
    """The lists of DDR that a file or folder is read from; None where it is something else."""
    if source.is_dir():
        lists = ddr_files(source)
        several = len(lists) > 1 and _is_ddr(lists, options)
        return lists if options.preset == "ddr" or several else None
    is_list = source.suffix.lower() == ".txt" and split_of_file(source.stem)
    return [source] if is_list and _is_ddr([source], options) else None


def _is_ddr(lists: list[Path], options: ReadOptions) -> bool:
    return options.preset == "ddr" or (
        options.preset is None and all(looks_like_ddr(path) for path in lists)
    )


def _tables(folder: Path, options: ReadOptions) -> list[tuple[Path, Split | None]]:
    """The tables that describe the images of a folder; none where folders are the classes."""
    if options.preset == "medmnist":
        return []
    preset = next((p for p in TABLE_PRESETS if p.name == options.preset), None)
    if preset is not None and preset.splits:
        official = [
            (path, split)
            for piece, split in preset.splits
            for path in sorted(folder.rglob("*.csv"))
            if piece in path.name.casefold()
        ]
        if official:
            return list(official)
    tables = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in (".csv", ".tsv") and not path.name.startswith(".")
    )
    known = [path for path in tables if path.stem.casefold() in _TABLE_NAMES]
    if len(known) == 1:
        return [(known[0], None)]
    isic = isic_tables(folder) if preset in (None, ISIC) else []
    if len(isic) == 1:
        return [(isic[0][0], None)]
    by_split = isic or [(path, split_of_file(path.stem)) for path in tables]
    splits = [split for _, split in by_split]
    if len(by_split) > 1 and None not in splits and len(set(splits)) == len(splits):
        return by_split
    folders = {path.name.casefold() for path in sub_folders(folder)}
    if preset is None and not isic and not folders <= _NO_CLASSES:
        return []
    if len(by_split) > 1:
        raise DataError(
            f"{folder} holds {len(by_split)} tables",
            expected="one table with image and label columns, or one per split",
            found=", ".join(path.name for path, _ in by_split),
            fix="give the path of the table instead of the folder",
        )
    return [(path, None) for path in tables]


def _refuse_preset(source: Path, options: ReadOptions, *fitting: str) -> None:
    if options.preset is not None and options.preset not in fitting:
        raise DataError(
            f"the preset {options.preset} does not fit {source}",
            expected=f"for this kind of file: {', '.join(fitting)}",
            found=options.preset,
            fix="leave the preset out, or give the data set's folder",
        )


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]
