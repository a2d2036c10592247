"""A folder per class, below a folder per split: what most training scripts read."""

from __future__ import annotations

from typing import Any

from mixednoise.audit.commands import apply_command, train_command
from mixednoise.data.readers import read_dataset
from mixednoise.data.readers.split_names import split_of
from mixednoise.data.table import SPLITS
from mixednoise.errors import DataError
from mixednoise.exchange.export import LEFT_OUT, LISTED, Export
from mixednoise.exchange.file_names import UniqueNames, plain_name
from mixednoise.exchange.pictures import Pictures
from mixednoise.exchange.result import MARK
from mixednoise.exchange.selection import Row


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/SPLIT/CLASS/image``; without splits ``OUT/CLASS/image``.

    A file keeps its name; where two of a class are called alike, the second one becomes
    ``NAME-2``. Images without a split, where others have one, are learned from: ``train``.

    Returns:
        ``folders``: class -> name of its folder; ``next``: trains on them, or, where they would
        lose patients, the way that keeps those.
    """
    names = UniqueNames()
    for ours in (LISTED, LEFT_OUT, MARK):
        names.take(ours)
    folder_of = {name: names.take(plain_name(name)) for name in export.classes}
    # A class called "test" must not be taken for a split.
    by_split = any(row.split for row in export.rows) or any(map(split_of, folder_of.values()))

    def place(row: Row) -> str:
        folder = folder_of[row.label]
        return f"{row.split or 'train'}/{folder}" if by_split else folder

    there = {place(row).split("/")[0] for row in export.rows}
    order = list(SPLITS) if by_split else list(folder_of.values())
    tops = [name for name in order if name in there]
    with export.result(tops) as work:
        for top in tops:
            (work / top).mkdir()
        pictures = Pictures(export.located, work, export.images)
        for _ in export.placed(pictures, place):
            pass
        export.tell_of(pictures)
    if export.manifest.group_column and not any(row.split for row in export.rows):
        export.progress.warning(
            f"folders say nothing of {export.manifest.group_column!r}, and there are no splits: "
            "whoever splits them must keep its images together; `mixednoise apply` keeps the column"
        )
        return {"folders": folder_of, "next": apply_command(export.folder.path, export.manifest)}
    reading = _reading(export, [folder_of[name] for name in export.classes])
    return {"folders": folder_of, "next": train_command(export.out, export.manifest, reading)}


def _reading(export: Export, names: list[str]) -> dict[str, Any]:
    """What must be said to read the folders as they are meant: mostly nothing."""
    manifest = export.manifest
    try:
        found = read_dataset(export.out)
    except DataError:  # of one class alone, say: other tools may read it
        return {}
    there = set(found.class_names)
    wanted = [name for name in names if name in there]
    if found.ordinal == manifest.ordinal and (
        not found.ordinal or list(found.class_names) == wanted
    ):
        return {}
    return {"class_names": wanted, "ordinal": manifest.ordinal}
