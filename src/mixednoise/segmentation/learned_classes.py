"""Which classes networks can learn at all: those of the masks that they learn from."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.data.report import Problem, counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.folds import Folds
from mixednoise.segmentation.prepare import PreparedCases

Presence = np.ndarray[Any, np.dtype[np.bool_]]


def must_be_learned(prepared: PreparedCases) -> Presence:
    """Refuse classes that no training mask has, though others may.

    Args:
        prepared: cases with their splits.

    Returns:
        (N, K): which classes each training mask has, in the order of ``prepared.rows("train")``,
        at the size that networks see.

    Raises:
        DataError: a class occurs in validation or test masks alone, or is too small to be seen.
    """
    names, present = prepared.cases.class_names, prepared.class_counts > 0
    absent = [names[k] for k in np.flatnonzero(~present.any(axis=0))]
    if absent:
        raise DataError(
            f"no network can learn {counted(len(absent), 'class', 'classes')}",
            expected="every class in at least one training mask, at the size that networks see",
            found=f"{examples(absent, 8)} in none of {counted(len(present), 'training mask')}",
            fix="move cases that have it to the training split (another --seed, or --splits), "
            "enlarge --image-size, or leave the class out",
        )
    return present


def unseen_by_teachers(present: Presence, folds: Folds, names: tuple[str, ...]) -> list[Problem]:
    """Classes that a teacher judges without having learned from any mask with them.

    Args:
        present: of :func:`must_be_learned`.
        folds: of the training cases.
        names: K classes.
    """
    problems = []
    for fold in range(folds.count):
        learned = present[folds.learned_by(fold)].any(axis=0)
        judged = present[folds.judged_by(fold)]
        missing = np.flatnonzero(judged.any(axis=0) & ~learned)
        if missing.size:
            masks = int(judged[:, missing].any(axis=1).sum())
            problems.append(
                Problem(
                    "warn",
                    f"teacher {fold + 1} of {folds.count} learns nothing of "
                    f"{examples([names[k] for k in missing])} and judges {counted(masks, 'mask')} "
                    "with it: all of its pixels there will be suspected",
                    expected="every class in the masks of several patients",
                    found="all masks with it in one fold",
                    fix="if such a value is a mistake, correct these masks; otherwise more "
                    "--folds, another --seed, or leave the class out",
                )
            )
    return problems
