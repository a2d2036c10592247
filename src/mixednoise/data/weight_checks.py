"""Checks of sample weights: is there something to learn from, for every class?"""

from __future__ import annotations

import numpy as np

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.data.table import Dataset

#: Weights whose mean (zeros aside) lies outside of this were probably meant otherwise.
USUAL = (0.1, 10.0)
#: An epoch that is so many times as long as the data set is surely not what is wanted.
LONGEST = 100.0
_EXPECTED = "weights of about 1: 1 = once per epoch, 0.5 = in every other one, 0 = never"


def check_weights(ds: Dataset) -> Report:
    """Weights of the training images (before a split is made: of all that may become such).

    Returns:
        The report; empty where all weights are 1. Stops: weights that are no numbers from 0 up, a
        class whose images all have weight 0, and weights so small or large that an epoch has fewer
        images than there are classes, or 100 times the data set. Warning: weights whose mean is
        far from 1. Info: how long an epoch is.
    """
    split = ds.table["split"]
    learned = (split.isna() | (split == "train")).fillna(True).to_numpy(bool)
    learned = learned & (ds.labels >= 0) & (ds.labels < ds.num_classes)
    rows = np.flatnonzero(learned)
    weights = ds.table["weight"].to_numpy(np.float64)[rows]
    if (weights == 1).all():
        return Report()
    name = f"column {ds.weight_column or 'weight'!r}"
    bad = ~np.isfinite(weights) | (weights < 0)
    if bad.any():
        ids = ds.table["id"].to_numpy(object)[rows]
        found = [f"{weights[row]:g} of {ids[row]}" for row in np.flatnonzero(bad)]
        return _stop(
            f"{counted(len(found), 'sample weight')} can't be used",
            "a number from 0 up for every training image",
            examples(found),
            f"correct {name}",
            rows[bad],
        )
    labels = ds.labels[rows]
    images = np.bincount(labels, minlength=ds.num_classes)
    total = np.bincount(labels, weights, minlength=ds.num_classes)
    unlearned = np.flatnonzero((images > 0) & (total == 0))
    if len(unlearned):
        return _stop(
            f"{counted(len(unlearned), 'class', 'classes')} whose training images all have weight "
            "0",
            "a weight above 0 for some images of every class",
            examples(
                f"{ds.class_names[k]} ({counted(int(images[k]), 'image')})" for k in unlearned
            ),
            f"correct {name}, or remove the class and its rows",
        )
    long, mean = float(weights.sum()), float(weights[weights > 0].mean())
    length = f"{long:,.6g} images in place of {len(weights):,}"
    if not max(2, ds.num_classes) <= long <= LONGEST * len(weights):
        return _stop(
            "the sample weights leave next to nothing of an epoch"
            if long < len(weights)
            else "the sample weights make an epoch far too long",
            _EXPECTED,
            f"an epoch of {length}",
            f"divide {name} by its mean; if these are no weights, name another one with "
            "--weight-column",
        )
    told = f"by the sample weights of {name} an epoch has {length}"
    if USUAL[0] <= mean <= USUAL[1]:
        return Report([Problem("info", told)])
    fix = f"divide {name} by its mean, unless this is wanted"
    return Report([Problem("warn", told, _EXPECTED, f"a mean of {mean:.3g}, zeros aside", fix)])


def _stop(
    what: str, expected: str, found: str, fix: str, rows: np.ndarray | tuple[int, ...] = ()
) -> Report:
    return Report([Problem("stop", what, expected, found, fix, tuple(map(int, rows)))])
