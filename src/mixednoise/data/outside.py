"""Results never land among the folders that are classes."""

from __future__ import annotations

from pathlib import Path

from mixednoise.data.table import Dataset
from mixednoise.errors import RunError


def must_be_outside(out: Path, ds: Dataset) -> None:
    """Refuse a folder for results inside a folder per class: it would be read as one more class.

    A folder that a table describes has room for results.

    Args:
        out: the folder to be.
        ds: the data set that the results come from.

    Raises:
        RunError: the data is a folder per class, and ``out`` lies in it.
    """
    if not len(ds) or ds.source.resolve() not in (out.resolve(), *out.resolve().parents):
        return
    name, path = str(ds.table["id"].iloc[0]), str(ds.table["path"].iloc[0])
    label = ds.class_names[int(ds.labels[0])]
    # Of class folders ids are paths below the source: CLASS/... or SPLIT/CLASS/...
    if Path(path) == ds.source.absolute() / name and label in name.split("/")[:2]:
        raise RunError(
            f"{out} lies inside the data",
            expected=f"a folder outside of {ds.source}, in which every folder is a class",
            found="a place where it would be taken for one more class",
            fix="choose another --out",
        )
