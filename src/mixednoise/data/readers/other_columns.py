"""The user's own columns, of which no data set is made: age, camera, comments, ..."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.data.readers.layouts import table_files
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.table_layout import other_columns


def read_other_columns(path: str | os.PathLike[str], reading: Mapping[str, Any]) -> pd.DataFrame:
    """The cells, as text, that :func:`.read_dataset` passes over.

    Args:
        path: file or folder.
        reading: the keyword arguments with which it is read.

    Returns:
        A row per image, the first one where an image is named twice; index: the image value.
        Columns as in the user's table; none where there is no table (a folder per class, .npz).

    Raises:
        DataError: as :func:`.read_dataset`.
    """
    known = {field.name for field in fields(ReadOptions)}
    given = {name: value for name, value in reading.items() if name in known}
    if given.get("class_names") is not None:
        given["class_names"] = tuple(given["class_names"])
    if given.get("image_root") is not None:
        given["image_root"] = Path(given["image_root"])
    options, source = ReadOptions(**given), Path(path).expanduser()
    files = table_files(source, options)
    if not files:
        return pd.DataFrame()
    ids, cells = other_columns(source, files, options)
    table = pd.DataFrame(cells, index=pd.Index(ids, dtype="object"), dtype="string")
    return table[~table.index.duplicated()]
