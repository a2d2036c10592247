"""Measure the quality of every image of a data set, or of a mere folder or list of images."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.data.image_files import images_below
from mixednoise.data.readers import read_dataset, read_image_list
from mixednoise.data.readers.table_file import TABLE_SUFFIXES
from mixednoise.data.report import counted
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError
from mixednoise.io import as_text, must_not_exist, write_csv
from mixednoise.progress import Progress
from mixednoise.quality import assess_dataset
from mixednoise.quality.reasons import split_reasons, without_same_image
from mixednoise.quality.workers import one_thread_each, workers_of

#: Rows in the answer, the worst ones.
WORST = 10


def quality_to_csv(
    data: Path | str,
    out: Path | str,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress,
    **reader: Any,
) -> dict[str, Any]:
    """Write ``id,quality,...,reasons``, a row for every image, those that can't be read included.

    Args:
        data: what :func:`mixednoise.read_dataset` reads; or images without labels: a folder
            (searched below), one image, a list of names (.txt), a table without a label column.
        out: CSV to write.
        workers: threads; None = one per core, at most 8.
        overwrite: replace an earlier result.
        progress: bars and lines.
        reader: further arguments of :func:`mixednoise.read_dataset`.

    Returns:
        ``images, labelled, unreadable, with_reasons, reasons`` (reason -> images),
        ``worst`` (id, quality, reasons), ``seconds, images_per_second, file``.

    Raises:
        DataError: no image at all.
        ConfigError: workers below 1, or a reader's option that can't be.
        RunError: a result that is there already.
        TrainingError: the disk is full.
    """
    workers = workers_of(workers)
    target = Path(out)
    must_not_exist(target, overwrite=overwrite)
    dataset = images_of(Path(data), reader, progress)
    start = time.perf_counter()
    with one_thread_each(workers):
        table = assess_dataset(dataset, workers=workers, progress=progress)
    seconds = time.perf_counter() - start
    table["id"] = [as_text(name) for name in table["id"]]
    _tell_of_lost_files(table, dataset)
    write_csv(target, table)
    found = table[table["reasons"] != ""]
    worst = found.sort_values("quality", kind="stable").head(WORST)
    return {
        "images": len(table),
        "labelled": bool(dataset.class_names),
        "unreadable": int(table["exposure"].isna().sum()),
        "with_reasons": len(found),
        "reasons": count_reasons(found["reasons"].tolist(), found["same_as"].tolist()),
        "worst": worst[["id", "quality", "reasons"]].to_dict("records"),
        "seconds": round(seconds, 3),
        "images_per_second": round(len(table) / max(seconds, 1e-9), 1),
        "file": str(target),
    }


def images_of(path: Path, reader: dict[str, Any], progress: Progress) -> Dataset:
    """The images of a data set, rows that were set aside included; without labels, a mere list.

    Raises:
        DataError: neither the one nor the other.
        ConfigError: an option that can't be.
    """
    try:
        dataset = read_dataset(path, **reader)
    except DataError as problem:
        listed = _unlabelled(path, reader)
        if listed is None:
            raise
        progress.message(
            f"{counted(len(listed), 'image')} without labels ({problem.problem})"
            if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES
            else counted(len(listed), "image")
        )
        return listed
    aside = dataset.set_aside
    if not len(aside):
        return dataset
    more = make_table(aside["id"].tolist(), [-1] * len(aside), path=aside["path"].tolist())
    return replace(dataset, table=pd.concat([dataset.table, more], ignore_index=True))


def _unlabelled(path: Path, reader: dict[str, Any]) -> Dataset | None:
    """Images below a folder, or named in a list; None where there are none to be found."""
    known = {name: reader.get(name) for name in ("image_column", "image_root")}
    if path.is_file() and path.suffix.lower() in (*TABLE_SUFFIXES, ".txt"):
        # A table that says nothing of images either: the first complaint is the better one.
        with suppress(DataError):
            return read_image_list(path, **known)
        return None
    files = sorted(images_below(path)) if path.is_dir() else []
    names = [os.path.relpath(file, path) for file in files]
    if path.is_file():
        files, names = [str(path.absolute())], [path.name]
    if not files:
        return None
    files = [str(Path(file).absolute()) for file in files]
    return Dataset(make_table(names, [-1] * len(names), path=files), (), path)


def _tell_of_lost_files(table: pd.DataFrame, dataset: Dataset) -> None:
    """What reading the data set has said of rows without a file."""
    paths, array_rows = dataset.table["path"], dataset.table["array_index"]
    aside = dict(zip(dataset.set_aside["id"], dataset.set_aside["reason"], strict=True))
    for row in ((paths == "") & (array_rows < 0)).to_numpy().nonzero()[0]:
        reason = aside.get(str(dataset.table["id"].iloc[row]))
        if reason:
            table.loc[row, "reasons"] = f"can't be read: {reason}"


def count_reasons(reasons: list[str], same_as: list[str]) -> dict[str, int]:
    """How many images each reason is said of, the most frequent first; ids and details left out."""
    counts: Counter[str] = Counter()
    for text, original in zip(reasons, same_as, strict=True):
        if original:
            counts["same image as another one"] += 1
        told = without_same_image(text, original)
        if told.startswith("can't be read"):
            counts["can't be read"] += 1
        else:
            counts.update(split_reasons(told))
    return dict(counts.most_common())
