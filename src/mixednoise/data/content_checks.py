"""Checks of what the images hold: readable or not, one image more than once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from mixednoise.data.class_checks import check_classes
from mixednoise.data.report import Problem, Report, Severity, counted, examples
from mixednoise.data.table import Dataset
from mixednoise.data.unreadable import remedy


class Store(Protocol):
    """The part of a pixel store that is looked at."""

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): whether the image could be decoded."""
        ...

    @property
    def reasons(self) -> Sequence[str]:
        """Why not, '' = it could."""
        ...

    @property
    def content_hash(self) -> Any:
        """Str (N,): equal for identical content, '' = not known."""
        ...


def check_store(ds: Dataset, store: Store, *, training: bool = True) -> Report:
    """Check what only decoding tells: unreadable images, identical images.

    Args:
        ds: the data set, in the row order in which the store was built.
        store: anything with ``readable``, ``reasons`` and ``content_hash``, N of each.
        training: as in :func:`check_table`.

    Returns:
        The report. Stops: no image can be read, a class is left without one. Warnings: unreadable
        images (``rows`` are to be set aside), identical images with different labels, identical
        images in two splits. Info: other identical images.

    Raises:
        ValueError: the store holds another number of images.
    """
    readable = np.asarray(store.readable, dtype=bool)
    if len(readable) != len(ds):
        raise ValueError(f"the store holds {len(readable)} images, the table {len(ds)} rows")
    problems = []
    unreadable = np.flatnonzero(~readable).tolist()
    if unreadable:
        ids = ds.table["id"].to_numpy()
        everything = len(unreadable) == len(ds)
        fix = remedy(store.reasons[row] for row in unreadable)
        problems.append(
            Problem(
                "stop" if everything else "warn",
                f"{counted(len(unreadable), 'image')} of {len(ds):,} can't be read",
                expected="whole JPEG, PNG, TIFF, BMP or DICOM files",
                found=examples(f"{ids[row]}: {store.reasons[row]}" for row in unreadable),
                fix=fix if everything else f"set aside; to use them, {fix}",
                rows=tuple(unreadable),
                reason="unreadable image",
            )
        )
        if not everything:
            before = {problem.what for problem in check_classes(ds, training).problems}
            left = ds.subset(np.flatnonzero(readable))
            after = check_classes(left, training).problems
            problems += [p for p in after if p.severity == "stop" and p.what not in before]
    return Report(problems) + _check_identical(ds, store)


def _check_identical(ds: Dataset, store: Store) -> Report:
    """Identical content: other labels, other splits, or merely twice."""
    table = ds.table[["id", "label", "split"]].assign(
        content=pd.Series(list(store.content_hash), dtype="object").to_numpy()
    )
    table = table[table["content"] != ""]
    table = table[table["content"].duplicated(keep=False)]
    if table.empty:
        return Report()
    by_content = table.groupby("content", sort=False)
    many_labels = by_content["label"].transform("nunique") > 1
    many_splits = by_content["split"].transform("nunique") > 1

    labels = np.array(ds.class_names, dtype=object)[table["label"].to_numpy()]
    inside = labels + (", " + table["split"].astype(object)).fillna("").to_numpy(object)
    table["shown"] = table["id"].astype(object) + " (" + inside + ")"

    def problem(severity: Severity, chosen: pd.DataFrame, what: str, fix: str | None) -> Problem:
        sets = [" = ".join(same) for _, same in chosen.groupby("content", sort=False)["shown"]]
        return Problem(
            severity,
            f"{counted(len(chosen), 'image')}, {counted(len(sets), 'set')} of identical content, "
            + what,
            found=examples(sets, separator="; "),
            fix=fix,
            rows=tuple(map(int, chosen.index)),
        )

    problems = []
    if many_splits.any():
        leak = "the test is easier than it looks: correct the split column, or remove it"
        problems.append(problem("warn", table[many_splits], "in more than one split", leak))
    if many_labels.any():
        problems.append(
            problem("warn", table[many_labels], "with different labels", "at most one is right")
        )
    rest = table[~many_labels & ~many_splits]
    if len(rest):
        problems.append(problem("info", rest, "with the same label", None))
    return Report(problems)
