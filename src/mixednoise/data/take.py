"""A part of a data set, for a first try: whole patients, drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.data.table import Dataset
from mixednoise.errors import ConfigError

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
    if count < 1:
        raise ConfigError(
            f"{count} images can't be taken",
            expected="a number from 1 up",
            found=str(count),
            fix="leave it out to use all images",
        )
    if count >= len(dataset):
        return dataset
    kept: list[np.ndarray[Any, Any]] = []
    splits = dataset.table["split"].fillna("").to_numpy(object)
    groups = dataset.table["group"].fillna("").to_numpy(object)
    # Who has no patient is one of his own.
    alone = groups == ""
    groups[alone] = np.char.add("\x1f", np.flatnonzero(alone).astype(str))
    rng = np.random.default_rng((seed, SEED))
    for split in np.unique(splits.astype(str)):
        rows = np.flatnonzero(splits == split)
        wanted = round(count * len(rows) / len(dataset))
        _, group, sizes = np.unique(
            groups[rows].astype(str), return_inverse=True, return_counts=True
        )
        order = rng.permutation(len(sizes))
        before = np.concatenate([[0], np.cumsum(sizes[order])[:-1]])
        chosen = np.zeros(len(sizes), bool)
        chosen[order[before < wanted]] = True
        kept.append(rows[chosen[group]])
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
