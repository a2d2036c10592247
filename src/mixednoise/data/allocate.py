"""Whole groups to splits, so that each class is divided as the splits' shares say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mixednoise.errors import ConfigError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


def allocate(
    unit: IntArray,
    label: IntArray,
    num_classes: int,
    shares: FloatArray,
    rng: np.random.Generator,
) -> IntArray:
    """Choose a split for each unit (patient), near the shares in every class.

    Units of several rows go first, the largest first, each to the split that lacks most of its
    classes; units of one row then fill what is lacking in each class exactly. At last, classes
    that a split has none of are given one unit by a split that can spare it: a class of two units
    is in the first and the last split, a class of three or more in all.

    The cost is one sort, plus a step per unit of several rows.

    Args:
        unit: int64 (N,), 0..U-1, the unit of each row.
        label: int64 (N,), 0..C-1.
        num_classes: C.
        shares: float64 (S,), add up to 1, train first.
        rng: the source of chance.

    Returns:
        int64 (U,), the split of each unit.
    """
    num_units, num_splits = int(unit.max()) + 1, len(shares)
    counts = _Counts(unit, label, num_classes, num_units)
    total = np.bincount(label, minlength=num_classes).astype(np.float64)
    lacking = np.outer(shares, total)  # (S, C)
    chosen = np.full(num_units, -1, np.int64)
    weight = 1 / np.maximum(total, 1)

    several = np.flatnonzero(counts.size > 1)
    order = rng.permutation(several)
    order = order[np.argsort(-counts.size[order], kind="stable")]
    for u in order.tolist():
        classes, number = counts.of(u)
        gain = lacking[:, classes] @ (number * weight[classes])
        # Equal needs (up to rounding) are decided by the order of the splits, train first.
        split = int(np.argmax(gain > gain.max() - 1e-9))
        chosen[u] = split
        lacking[split, classes] -= number
    single = rng.permutation(np.flatnonzero(counts.size == 1))
    single_label = counts.label[counts.start[single]]
    for c in range(num_classes):
        units = single[single_label == c]
        quota = _quota(len(units), lacking[:, c], lacking.sum(axis=1))
        chosen[units] = np.repeat(np.arange(num_splits), quota)
        lacking[:, c] -= quota
    _spread(chosen, counts, num_classes, num_splits)
    return chosen


def check_folds(folds: int, patients: int, what: str) -> None:
    """Refuse a number of folds that patients can't be distributed over.

    Args:
        folds, patients: how many.
        what: is to be chosen again, for the message: ``--folds``.

    Raises:
        ConfigError: fewer than two folds, or more than there are patients.
    """
    if not 2 <= folds <= patients:
        raise ConfigError(
            f"there can't be {folds} folds",
            expected=f"2 to {patients}, the number of patients (or images) that are learned from",
            found=f"folds={folds}",
            fix=f"choose {what} in that range" if patients > 1 else "give more patients",
        )


class _Counts:
    """How many rows of which class each unit has, as compressed rows."""

    def __init__(self, unit: IntArray, label: IntArray, num_classes: int, num_units: int) -> None:
        pairs, self.number = np.unique(unit * num_classes + label, return_counts=True)
        self.unit, self.label = np.divmod(pairs, num_classes)
        self.start = np.searchsorted(self.unit, np.arange(num_units + 1))
        self.size = np.bincount(unit, minlength=num_units)

    def of(self, unit: int) -> tuple[IntArray, IntArray]:
        """Classes of a unit and the number of rows in each."""
        there = slice(self.start[unit], self.start[unit + 1])
        return self.label[there], self.number[there]


def _quota(number: int, lacking: FloatArray, lacking_overall: FloatArray) -> IntArray:
    """Divide ``number`` rows in proportion to what each split lacks, by largest remainder."""
    need = np.maximum(lacking, 0)
    if need.sum() == 0:
        need = np.ones_like(need)
    exact = number * need / need.sum()
    quota: IntArray = np.floor(exact + 1e-9).astype(np.int64)
    # Equal remainders go to the split that lacks most over all classes.
    order = np.lexsort((-lacking_overall, -np.round(exact - quota, 9)))
    quota[order[: number - int(quota.sum())]] += 1
    return quota


def _spread(chosen: IntArray, counts: _Counts, num_classes: int, num_splits: int) -> None:
    """Move single units so that classes of few units are in as many splits as they can be."""
    # Train needs a class first, then the last split (test), then the one between.
    priority = [0, *range(num_splits - 1, 0, -1)]
    units_of = [counts.unit[counts.label == c] for c in range(num_classes)]
    have = np.zeros((num_splits, num_classes), np.int64)  # units, not rows
    np.add.at(have, (chosen[counts.unit], counts.label), 1)
    for c in np.argsort([len(units) for units in units_of], kind="stable").tolist():
        needed = priority[: len(units_of[c])]
        for split in needed:
            if have[split, c]:
                continue
            donors = [s for s in range(num_splits) if have[s, c] > (1 if s in needed else 0)]
            candidates = [
                int(u)
                for s in sorted(donors, key=lambda s: -have[s, c])
                for u in units_of[c][chosen[units_of[c]] == s]
                # What is moved must not take the last unit of another class with it.
                if all(have[s, other] > 1 or other == c for other in counts.of(u)[0])
            ]
            if candidates:
                moved = min(candidates, key=lambda u: counts.size[u])
                classes = counts.of(moved)[0]
                have[chosen[moved], classes] -= 1
                have[split, classes] += 1
                chosen[moved] = split
