"""Train, validation and test: every class in each, no patient in two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mixednoise.data.allocate import allocate, check_folds
from mixednoise.data.report import counted
from mixednoise.data.table import SPLITS, Dataset
from mixednoise.errors import ConfigError
from mixednoise.io import write_csv

IntArray = npt.NDArray[np.int64]


def make_splits(
    ds: Dataset,
    *,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    seed: int,
    content_hash: Sequence[str] | npt.NDArray[Any] | None = None,
) -> Dataset:
    """Give every row a split: stratified by label, grouped by patient and by identical content.

    - No row has a split: all three are made.
    - There is a train split but no val: val is carved from train. Test stays as it is.
    - Otherwise rows without a split go to train and to whichever of val and test is not there; a
      test split that the user has made is never added to, but for rows whose patient is in it.

    Rows that have a split keep it, except for training rows that become validation rows.

    Args:
        ds: the data set; groups as in its table, NA = a group of its own.
        fractions: shares of train, val and test. A share of 0 makes no such split.
        seed: the same seed and data give the same splits.
        content_hash: (N,) equal for identical images, '' = not known; these stay together.

    Returns:
        The data set with ``split`` filled.

    Raises:
        ConfigError: fractions that are negative, don't add up to 1, or leave no train.
    """
    if min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or fractions[0] == 0:
        raise ConfigError(
            "the fractions of the splits can't be used",
            expected="three shares for train, val and test that add up to 1, e.g. 0.7, 0.1, 0.2",
            found=", ".join(map(str, fractions)),
            fix="choose shares that add up to 1; train needs one above 0",
        )
    if content_hash is not None and len(content_hash) != len(ds):
        raise ValueError(
            f"{counted(len(content_hash), 'content hash', 'content hashes')} for {len(ds)} rows"
        )
    given = ds.table["split"]
    split = given.map({name: code for code, name in enumerate(SPLITS)}).fillna(-1)
    codes: IntArray = np.asarray(split, dtype=np.int64)
    free, allowed = _free_rows(codes, fractions)
    if not free.any() or not allowed:
        return ds
    units = _units(ds, content_hash)
    codes = _follow_fixed(codes, free, units)
    rows = np.flatnonzero(free & (codes < 0))
    if len(rows):
        _, unit = np.unique(units[rows], return_inverse=True)
        shares = np.array([fractions[code] for code in allowed])
        chosen = allocate(
            unit,
            ds.labels[rows],
            ds.num_classes,
            shares / shares.sum(),
            np.random.default_rng(seed),
        )
        codes[rows] = np.array(allowed)[chosen[unit]]
    names = pd.Series(np.array(SPLITS, dtype=object)[codes], dtype="string", index=ds.table.index)
    return replace(ds, table=ds.table.assign(split=names))


def make_folds(
    ds: Dataset,
    folds: int,
    *,
    seed: int,
    content_hash: Sequence[str] | npt.NDArray[Any] | None = None,
) -> IntArray:
    """A fold for every row: stratified by label, grouped by patient and by identical content.

    Args:
        ds: the rows to be distributed; their splits don't matter.
        folds: how many, at least 2.
        seed: the same seed and data give the same folds.
        content_hash: as for :func:`make_splits`.

    Returns:
        int64 (N,), 0 .. folds - 1.

    Raises:
        ConfigError: fewer than two folds, or more than there are patients.
    """
    _, unit = np.unique(_units(ds, content_hash), return_inverse=True)
    check_folds(folds, int(unit.max(initial=-1)) + 1, "a number")
    shares = np.full(folds, 1 / folds)
    rng = np.random.default_rng((seed, folds))
    chosen: IntArray = allocate(unit, ds.labels, ds.num_classes, shares, rng)[unit]
    return chosen.astype(np.int64)


def write_splits(ds: Dataset, path: Path | str) -> None:
    """Write ``id,split,group,label`` (the label as a class name), a row per image."""
    names = np.array(ds.class_names, dtype=object)
    table = ds.table[["id", "split", "group"]].assign(label=names[ds.labels])
    write_csv(path, table)


def _free_rows(
    codes: IntArray, fractions: Sequence[float]
) -> tuple[npt.NDArray[np.bool_], list[int]]:
    """Rows that get a split, and the splits that they can get, as indices into SPLITS."""
    unknown = codes < 0
    there = {int(code) for code in np.unique(codes[~unknown])}
    train, val, test = range(3)
    if train in there and val not in there and (test in there or not unknown.any()):
        free, allowed = unknown | (codes == train), [train, val]
    else:
        free, allowed = unknown, [train, *({val, test} - there)]
    allowed = sorted(code for code in allowed if fractions[code] > 0)
    return (free, allowed) if len(allowed) > 1 or unknown.any() else (free & unknown, allowed)


def _units(ds: Dataset, content_hash: Sequence[str] | npt.NDArray[Any] | None) -> IntArray:
    """A number per row, equal for rows that a chain of patients and identical images links."""
    n = len(ds)
    rows, nodes = [], []
    next_node = n
    hashes = pd.Series([""] * n if content_hash is None else list(content_hash), dtype="object")
    for keys in (ds.table["group"].reset_index(drop=True), hashes.mask(hashes == "")):
        codes, values = pd.factorize(keys)
        linked = np.flatnonzero(codes >= 0)
        rows.append(linked)
        nodes.append(codes[linked] + next_node)
        next_node += len(values)
    left, right = np.concatenate(rows), np.concatenate(nodes)
    links = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(next_node, next_node))
    component: IntArray = connected_components(links, directed=False)[1][:n].astype(np.int64)
    return component


def _follow_fixed(codes: IntArray, free: npt.NDArray[np.bool_], units: IntArray) -> IntArray:
    """Splits of the rows whose patient the user has already placed; -1 for all other free rows.

    A row without a split joins its patient. A training row of the user's stays in train: the leak
    is the user's, and is reported by the checks, but must not grow.
    """
    fixed = pd.DataFrame({"unit": units, "split": codes})[~free]
    # Where the user has a patient in two splits, the one with most rows, then train, val, test.
    size = fixed.value_counts().rename("n").reset_index()
    size = size.sort_values(["unit", "n", "split"], ascending=[True, False, True])
    home = size.drop_duplicates("unit").set_index("unit")["split"]
    joined = pd.Series(units).map(home).fillna(-1).to_numpy(np.int64)
    was_train = codes == 0
    result = np.where(free, np.where(was_train & (joined >= 0), 0, joined), codes)
    return result.astype(np.int64)
