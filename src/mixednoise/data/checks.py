"""What is looked at before anything starts, so that no run dies, or lies, for a known reason."""

from __future__ import annotations

import os
import stat

import numpy as np

from mixednoise.data.class_checks import check_classes
from mixednoise.data.content_checks import check_store
from mixednoise.data.image_files import NOT_FOUND
from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.data.table import SPLITS, Dataset
from mixednoise.data.weight_checks import check_weights

__all__ = [
    "Problem",
    "Report",
    "check_classes",
    "check_files",
    "check_groups",
    "check_splits",
    "check_store",
    "check_table",
    "check_weights",
    "set_aside_unusable",
]


def check_table(ds: Dataset, *, training: bool = True) -> Report:
    """Check rows, classes, splits and files; looks at file sizes, opens no image.

    Args:
        ds: the data set, before or after it was split.
        training: whether a model is to be learned from it; evaluating needs no train split,
            nor every class.

    Returns:
        The report. Stops: no rows, ids that occur twice, labels that index no class, a group in
        two splits, fewer than two classes, a class without an image to learn from, sample weights
        with which nothing can be learned, most files missing. Warnings: missing or empty files
        (their ``rows`` are to be set aside), classes with one image, classes that evaluation
        splits lack, class names that are nearly equal, and what reading has set aside.
    """
    if len(ds) == 0:
        return check_files(ds)
    return _check_rows(ds) + check_splits(ds, training=training) + _files(ds)


def check_files(ds: Dataset) -> Report:
    """The part of :func:`check_table` that matters whatever the images are for: rows and files.

    Args:
        ds: the data set.
    """
    if len(ds) == 0:
        return _set_aside(ds) + Report(
            [
                Problem(
                    "stop",
                    f"{ds.source} holds no image that can be used",
                    expected="images with a label each",
                    found=f"{counted(len(ds.set_aside), 'row')} set aside",
                    fix="see what was set aside, and why",
                )
            ]
        )
    return _check_rows(ds) + check_groups(ds) + _files(ds)


def _files(ds: Dataset) -> Report:
    return _check_files(ds) + _set_aside(ds)


def check_splits(ds: Dataset, *, training: bool = True) -> Report:
    """Check groups, classes and weights: what splitting, or setting rows aside, can change.

    Args:
        ds: the data set after it was split.
        training: as in :func:`check_table`.
    """
    weights = check_weights(ds) if training else Report()
    return check_groups(ds) + check_classes(ds, training) + weights


def set_aside_unusable(ds: Dataset, report: Report) -> Dataset:
    """Set aside the rows that a report says can't be used, such as those of missing files.

    Args:
        ds: the data set that was checked, unchanged since.
        report: of :func:`check_table` or :func:`check_store`.
    """
    reasons: dict[int, str] = {}
    for problem in report.problems:
        if problem.reason:
            for row in problem.rows:
                reasons.setdefault(row, problem.reason)
    return ds.with_set_aside(list(reasons), list(reasons.values())) if reasons else ds


def check_groups(ds: Dataset) -> Report:
    """Stop when a patient (lesion, eye) is in two splits: then the test tells nothing."""
    known = ds.table[["group", "split"]].dropna()
    pairs = known.drop_duplicates()
    pairs = pairs[pairs["group"].duplicated(keep=False)]
    if pairs.empty:
        return Report()
    rows = np.flatnonzero(ds.table["group"].isin(pairs["group"]).to_numpy(bool))
    found = [
        f"{group} in {' and '.join(split for split in SPLITS if split in set(there))}"
        for group, there in pairs.groupby("group", sort=True)["split"]
    ]
    return Report(
        [
            Problem(
                "stop",
                f"{counted(len(found), 'group')} (patients) of {ds.source} in more than one split",
                expected="all images of a patient in one split",
                found=examples(found),
                fix="correct the split column, or remove it: a split by patient is then made",
                rows=tuple(map(int, rows)),
            )
        ]
    )


def _check_rows(ds: Dataset) -> Report:
    problems = []
    twice = ds.table["id"].duplicated(keep=False).to_numpy(bool)
    if twice.any():
        problems.append(
            Problem(
                "stop",
                f"{counted(int(twice.sum()), 'row')} share their id with another row",
                expected="a different id per image",
                found=examples(ds.table["id"][twice].drop_duplicates()),
                fix="keep one row per image",
                rows=tuple(map(int, np.flatnonzero(twice))),
            )
        )
    outside = (ds.labels < 0) | (ds.labels >= ds.num_classes)
    if outside.any():
        problems.append(
            Problem(
                "stop",
                f"{counted(int(outside.sum()), 'row')} with a label that is no class",
                expected=f"0 to {ds.num_classes - 1}, an index into class_names",
                found=examples(sorted(set(ds.labels[outside].tolist()))),
                rows=tuple(map(int, np.flatnonzero(outside))),
            )
        )
    return Report(problems)


def _check_files(ds: Dataset) -> Report:
    """Files that are gone, are folders, or hold no byte."""
    gone, empty = [], []
    for row, path in enumerate(ds.table["path"]):
        if path:
            try:
                status = os.stat(path)  # noqa: PTH116 - a Path per row costs three times the stat
            except OSError:
                gone.append(row)
                continue
            if not stat.S_ISREG(status.st_mode):
                gone.append(row)
            elif status.st_size == 0:
                empty.append(row)
    ids = ds.table["id"].to_numpy()
    problems = []
    for rows, what, reason, fix in (
        (gone, "missing", NOT_FOUND, "name the folder of the images with --image-root"),
        (empty, "empty (0 bytes)", "empty file (0 bytes)", "copy the files again"),
    ):
        if rows:
            most = 2 * len(rows) > len(ds)
            problems.append(
                Problem(
                    "stop" if most else "warn",
                    f"{counted(len(rows), 'image file')} of {len(ds):,} "
                    f"{'is' if len(rows) == 1 else 'are'} {what}",
                    expected="a whole image file per row",
                    found=examples(ids[row] for row in rows),
                    fix=fix if most else f"set aside; to use them, {fix}",
                    rows=tuple(rows),
                    reason=reason,
                )
            )
    return Report(problems)


def _set_aside(ds: Dataset) -> Report:
    """What reading has set aside, by reason."""
    # "repeats labels.csv, line 3" is one reason, whatever the line.
    kind = ds.set_aside["reason"].str.replace(r"^repeats .*", "repeats another row", regex=True)
    return Report(
        [
            Problem(
                "warn" if "not found" in str(reason) or "UTF-8" in str(reason) else "info",
                f"{counted(len(rows), 'row')} set aside: {reason}",
                found=examples(ds.set_aside.loc[rows, "id"]),
                fix="to use them, restore the files or name their folder with --image-root"
                if "not found" in str(reason)
                else None,
            )
            for reason, rows in ds.set_aside.groupby(kind, sort=False).groups.items()
        ]
    )
