"""Images to predict: a list of files, or a table with an image column, without labels."""

from __future__ import annotations

import os
from pathlib import Path

from mixednoise.data.image_files import find_images
from mixednoise.data.readers.columns import find_image_column
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.table_file import read_table_file, read_text
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError


def read_image_list(
    path: str | os.PathLike[str],
    *,
    image_column: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Read which images a list names; labels, if it has any, are passed over.

    Args:
        path: CSV or TSV with a header, or .txt with one image per line.
        image_column: column of the image in a table, None = recognise by common names.
        image_root: as in :func:`mixednoise.data.readers.read_dataset`.

    Returns:
        A data set without classes: every label is -1. Images named twice are there once. An image
        that is not found keeps the path where it should be, so that decoding it tells so.

    Raises:
        DataError: no such file, no text, no image column, or no image named.
    """
    source = Path(path).expanduser()
    options = ReadOptions(
        image_column=image_column,
        image_root=None if image_root is None else Path(image_root).expanduser(),
    )
    if not source.is_file():
        raise DataError(
            f"{source} is not a file",
            expected="a CSV or TSV file with an image column, or a .txt file of image names",
            found="a folder" if source.is_dir() else "nothing of that name",
            fix="correct the path",
        )
    if source.suffix.lower() == ".txt":
        names = read_text(source).splitlines()
    else:
        table = read_table_file(source)
        names = table.columns[find_image_column(table, options)]
    ids = list(dict.fromkeys(name.strip() for name in names if name.strip()))
    if not ids:
        raise DataError(
            f"{source} names no image",
            expected="an image per line",
            found="blank lines alone",
            fix="write a file name per line, or name the column with --image-column",
        )
    parent = source.absolute().parent
    found, _ = find_images(ids, [parent, parent / "images"], options.image_root)
    paths = [here or str(parent / name) for here, name in zip(found, ids, strict=True)]
    return Dataset(make_table(ids, [-1] * len(ids), path=paths), class_names=(), source=source)
