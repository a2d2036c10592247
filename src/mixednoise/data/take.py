"""A part of a data set, for a first try: whole patients, drawn at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mixednoise.data.table import Dataset
from mixednoise.errors import ConfigError

Integers = np.ndarray[Any, np.dtype[np.int64]]

SEED = 83


def take_images(dataset: Dataset, count: int, *, seed: int = 0) -> Dataset:
    """About ``count`` images of a data set, of every split its share.

    Patients (lesions, eyes) come whole or not at all, so that the number is reached to within the
    images of one patient per split. The same seed takes the same patients, and a larger number
    takes those of the smaller one and more.

    Args:
        dataset: any; rows keep their order.
        count: images wanted; all of them where there are no more.
        seed: draws the patients.

    Raises:
        ConfigError: fewer than one image, or a class that is left without any.
    """
    _check(count, "images")
    if count >= len(dataset):
        return dataset
    kept: list[np.ndarray[Any, Any]] = []
    for rows, patient in _drawn(dataset, seed):
        wanted = round(count * len(rows) / len(dataset))
        sizes = np.bincount(patient)
        before = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        kept.append(rows[(before < wanted)[patient]])
    taken = dataset.subset(np.sort(np.concatenate(kept)))
    lacking = sorted(set(dataset.labels.tolist()) - set(taken.labels.tolist()))
    if lacking:
        raise ConfigError(
            f"{count} images are too few",
            expected="some images of every class",
            found="none of " + ", ".join(dataset.class_names[k] for k in lacking),
            fix="take more, or another seed",
        )
    return taken


def take_per_class(dataset: Dataset, count: int, *, seed: int = 0) -> Dataset:
    """At most about ``count`` images of every class, of every split its share.

    Makes large classes smaller and leaves small ones as they are. Patients come whole or not at
    all: one is taken as long as a class of his lacks images, so that the images of his other
    classes may come on top. The same seed takes the same patients.

    Args:
        dataset: any; rows keep their order.
        count: images wanted per class; all of them where there are no more.
        seed: draws the patients.

    Raises:
        ConfigError: fewer than one image.
    """
    _check(count, "images per class")
    labels = dataset.labels
    total = np.bincount(labels, minlength=dataset.num_classes)
    kept: list[np.ndarray[Any, Any]] = []
    for rows, patient in _drawn(dataset, seed):
        own = labels[rows]
        here = np.bincount(own, minlength=dataset.num_classes)
        # A class that occurs in a split stays in it.
        lacking = np.ceil(count * here / np.maximum(total, 1))
        order = np.argsort(patient, kind="stable")
        for place in np.split(order, np.flatnonzero(np.diff(patient[order])) + 1):
            if (lacking[own[place]] > 0).any():
                np.subtract.at(lacking, own[place], 1)
                kept.append(rows[place])
    return dataset.subset(np.sort(np.concatenate(kept)))


def _check(count: int, what: str) -> None:
    if count < 1:
        raise ConfigError(
            f"{count} {what} can't be taken",
            expected="a number from 1 up",
            found=str(count),
            fix="leave it out to use all images",
        )


def _drawn(dataset: Dataset, seed: int) -> Iterator[tuple[Integers, Integers]]:
    """Rows of every split, and the place of each row's patient in a random order."""
    splits = dataset.table["split"].fillna("").to_numpy(object)
    groups = dataset.table["group"].fillna("").to_numpy(object)
    # Who has no patient is one of his own.
    alone = groups == ""
    groups[alone] = np.char.add("\x1f", np.flatnonzero(alone).astype(str))
    rng = np.random.default_rng((seed, SEED))
    for split in np.unique(splits.astype(str)):
        rows = np.flatnonzero(splits == split)
        names, group = np.unique(groups[rows].astype(str), return_inverse=True)
        place = np.empty(len(names), np.int64)
        place[rng.permutation(len(names))] = np.arange(len(names))
        yield rows, place[group]
