"""Folds: no mask is judged by a teacher that has seen it, nor one of the same patient."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.allocate import check_folds
from mixednoise.errors import DataError, RunError
from mixednoise.io import write_csv

IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Folds:
    """Which fold each case is in. Teacher f learns from every fold but f and judges fold f.

    Attributes:
        names: N case names, unique.
        groups: N patients; a patient is in one fold.
        fold: int64 (N,), 0..count-1.
        count: number of folds F >= 2.
    """

    names: tuple[str, ...]
    groups: tuple[str, ...]
    fold: IntArray
    count: int

    def __post_init__(self) -> None:
        seen: dict[str, int] = {}
        for name, group, fold in zip(self.names, self.groups, self.fold.tolist(), strict=True):
            if seen.setdefault(group, fold) != fold:
                raise DataError(
                    f"patient {group!r} is in two folds",
                    expected="each patient in one fold, or a teacher would judge whom it knows",
                    found=f"folds {seen[group]} and {fold} (the latter: case {name!r})",
                    fix="let the folds be made anew, or give the cases of a patient one fold",
                )

    def judged_by(self, teacher: int) -> IntArray:
        """Cases whose masks this teacher judges."""
        return np.flatnonzero(self.fold == teacher)

    def learned_by(self, teacher: int) -> IntArray:
        """Cases that this teacher learns from."""
        return np.flatnonzero(self.fold != teacher)

    def write(self, path: Path) -> None:
        """``folds.csv``: name, group, fold."""
        table = pd.DataFrame({"name": self.names, "group": self.groups, "fold": self.fold})
        write_csv(path, table)


def make_folds(names: Sequence[str], groups: Sequence[str], count: int, *, seed: int) -> Folds:
    """Distribute patients at random over folds of nearly equal numbers of cases.

    Args:
        names: N case names.
        groups: N patients.
        count: number of folds.
        seed: one seed, one distribution.

    Raises:
        ConfigError: fewer than two folds, or more folds than patients.
    """
    patients, owner, sizes = np.unique(
        np.asarray(groups, dtype=str), return_inverse=True, return_counts=True
    )
    check_folds(count, len(patients), "--folds")
    rng = np.random.default_rng((seed, count))
    order = rng.permutation(len(patients))
    # Largest patients first, each to the fold that has the fewest cases: nearly equal folds.
    order = order[np.argsort(-sizes[order], kind="stable")]
    load = np.zeros(count, dtype=np.int64)
    home = np.empty(len(patients), dtype=np.int64)
    for patient in order:
        home[patient] = load.argmin()
        load[home[patient]] += sizes[patient]
    return Folds(tuple(names), tuple(map(str, groups)), home[owner].astype(np.int64), count)


def read_folds(path: Path, names: Sequence[str], groups: Sequence[str]) -> Folds:
    """Read ``folds.csv`` and check that it is about these cases, of these patients.

    Raises:
        RunError: it can't be read, names other cases, or was made with other patients.
    """
    try:
        table = pd.read_csv(path, dtype={"name": str, "group": str}, keep_default_na=False)
        fold = table["fold"].to_numpy(dtype=np.int64)
        found = tuple(table["name"])
        known = tuple(table["group"])
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} can't be read",
            expected="a table with the columns name, group, fold",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            fix="restore it, or start again with another --out",
        ) from error
    if found != tuple(names):
        other = sorted(set(found) ^ set(names))[:5]
        raise RunError(
            f"{path} is about other cases",
            expected=f"the {len(names)} cases that are learned from",
            found=f"{len(found)} cases; not in both: {', '.join(other) or 'another order'}",
            fix="restore the data, or start again with another --out",
        )
    moved = [name for name, one, now in zip(names, known, groups, strict=True) if one != now]
    if moved:
        raise RunError(
            f"{path} was made with other patients",
            expected="the same --groups as when it was made: a patient must be in one fold",
            found=f"{len(moved)} cases of another patient than before, such as {moved[0]}",
            fix="say --groups as before, or start again with another --out",
        )
    return Folds(found, known, fold, int(fold.max()) + 1)


def names_digest(names: Iterable[str]) -> str:
    """Short hash of a set of case names: what a teacher remembers of those it learned from."""
    digest = hashlib.blake2b(digest_size=12)
    for name in sorted(names):
        digest.update(name.encode() + b"\0")
    return digest.hexdigest()


def must_be_unseen(folds: Folds, teacher: int, learned: str, *, source: str) -> None:
    """Refuse to let a teacher judge cases of which it may have learned.

    Args:
        folds: the fold table.
        teacher: fold that it is about to judge.
        learned: :func:`names_digest` of the cases in the teacher's file.
        source: the teacher's file, for the message.

    Raises:
        RunError: the teacher learned from other cases than its fold table says.
    """
    expected = names_digest(folds.names[i] for i in folds.learned_by(teacher))
    if learned != expected:
        raise RunError(
            f"{source} did not learn from the cases that folds.csv says",
            expected=f"a teacher that has never seen the cases of fold {teacher}",
            found="a teacher of other folds: its judgement would be of masks that it knows",
            fix="delete the teachers folder of the run and go on with --resume",
        )
