"""Checks of the classes: is there something to learn for each of them?"""

from __future__ import annotations

import numpy as np

from mixednoise.data.class_names import find_slips
from mixednoise.data.report import Problem, Report, Severity, counted, examples
from mixednoise.data.table import SPLITS, Dataset

_FEW = 2  # a class with fewer images can't be in train and in test


def check_classes(ds: Dataset, training: bool) -> Report:
    """Classes that are absent, tiny, or nearly namesakes.

    Args:
        ds: the data set.
        training: whether a class without a training image stops the work.
    """
    split = ds.table["split"]
    inside = (ds.labels >= 0) & (ds.labels < ds.num_classes)
    counts = np.bincount(ds.labels[inside], minlength=ds.num_classes)
    per_class = dict(zip(ds.class_names, map(int, counts), strict=True))
    severity: Severity = "stop" if training else "info"
    problems = []
    if np.count_nonzero(counts) < 2:
        problems.append(
            Problem(
                severity,
                f"the images of {ds.source} are all of one class",
                expected="two or more classes",
                found=", ".join(name for name, n in per_class.items() if n) or "none",
                fix="one folder per class, or the column of the class by --label-column",
            )
        )
    split_known = bool(split.notna().any())
    train = ds.labels[inside & (split == "train").fillna(False).to_numpy(bool)]
    # Before a split is made every row may still become a training row.
    free = ds.labels[inside & split.isna().to_numpy(bool)]
    learnable = np.bincount(np.concatenate([train, free]), minlength=ds.num_classes)
    if split_known and training and learnable.sum() == 0:
        problems.append(
            Problem(
                "stop",
                f"{ds.source} has no images to train on",
                expected="a split named train",
                found=examples(sorted(set(split.dropna())), 3),
                fix="name the column of the split with --split-column, or leave it out",
            )
        )
    else:
        empty = [n for n, count in zip(ds.class_names, learnable, strict=True) if count == 0]
        if empty:
            problems.append(
                Problem(
                    severity,
                    f"{counted(len(empty), 'class', 'classes')} without an image to train on",
                    expected="images of every class in the training split",
                    found=", ".join(f"{n} ({per_class[n]} elsewhere)" for n in empty),
                    fix="add images of it, or remove the class and its rows",
                )
            )
    few = [name for name, n in per_class.items() if 0 < n < _FEW]
    if few:
        problems.append(
            Problem(
                "warn",
                f"{counted(len(few), 'class', 'classes')} with a single image",
                expected="at least two images per class, to learn from one and test on another",
                found=examples(few),
                fix="add images or merge the class with another",
            )
        )
    for name in SPLITS[1:]:
        there = np.bincount(
            ds.labels[inside & (split == name).fillna(False).to_numpy(bool)],
            minlength=ds.num_classes,
        )
        absent = [n for n, count in zip(ds.class_names, there, strict=True) if count == 0]
        if there.sum() and absent:
            problems.append(
                Problem(
                    "warn",
                    f"the {name} split lacks {counted(len(absent), 'class', 'classes')}",
                    expected="every class in every split",
                    found=examples(absent),
                    fix=f"read metrics of the {name} split with care",
                )
            )
    slips = find_slips(per_class, rare=2)
    if slips:
        problems.append(
            Problem(
                "warn",
                "class names that are nearly the same",
                found="; ".join(f"{s.name!r} ({per_class[s.name]}): {s.why}" for s in slips),
                fix="if they are one class, give them one name",
            )
        )
    return Report(problems)
