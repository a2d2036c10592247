"""Train, validation and test cases: no patient in two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mixednoise.errors import ConfigError

IntArray = np.ndarray[Any, np.dtype[np.int64]]
SPLITS = ("train", "val", "test")


def split_cases(
    groups: Sequence[str],
    given: Sequence[str | None],
    *,
    val_fraction: float,
    test_fraction: float,
    seed: int,
) -> list[str]:
    """Give every case a split; what the data says stays, but for training cases carved from.

    Args:
        groups: N patients.
        given: N splits, None where the data says nothing (learned from, unless carved).
        val_fraction: share of the cases that becomes validation, where the data names none.
        test_fraction: likewise for test.
        seed: of the choice; one seed, one choice.

    Raises:
        ConfigError: nothing would be left to learn from.
    """
    splits = ["train" if split is None else split for split in given]
    rng = np.random.default_rng((seed, 17))
    for wanted, fraction in (("test", test_fraction), ("val", val_fraction)):
        if fraction <= 0 or wanted in splits:
            continue
        patients = sorted({g for g, s in zip(groups, splits, strict=True) if s == "train"})
        elsewhere = {g for g, s in zip(groups, splits, strict=True) if s != "train"}
        order = [
            patients[i] for i in rng.permutation(len(patients)) if patients[i] not in elsewhere
        ]
        need, chosen = round(fraction * len(splits)), set[str]()
        for patient in order:
            if need <= 0:
                break
            chosen.add(patient)
            need -= sum(g == patient for g in groups)
        splits = [wanted if g in chosen else s for g, s in zip(groups, splits, strict=True)]
    if "train" not in splits:
        raise ConfigError(
            "there is nothing left to learn from",
            expected="training cases besides those for validation and test",
            found=", ".join(f"{name} {splits.count(name)}" for name in SPLITS),
            fix="choose smaller fractions, or check the splits",
        )
    return splits
