"""Resampling of cases, or of whole patients: who is drawn, sums over the drawn, intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.ranking import Floats

#: A number must be defined in this share of the resamples to get an interval.
DEFINED = 0.9


def resampled_sums(
    columns: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int,
    groups: ArrayLike | None = None,
) -> Floats:
    """Column sums over cases drawn with replacement, the same draws for every column.

    With ``groups``, whole patients are drawn, as many as there are, because two images of one
    patient are not two independent witnesses.

    Args:
        columns: float (N, M), finite; N >= 1.
        rng: the only source of chance: one draw of U units per resample.
        resamples: number of resamples R.
        groups: (N,), patient of each case, any values; a missing value (None, NaN, NA) makes the
            case a patient of its own. None = every case for itself.

    Returns:
        float64 (R, M).

    Raises:
        DataError: groups of another length.
    """
    values = np.asarray(columns, dtype=np.float64)
    owner, units = unit_codes(groups, len(values))
    # A patient drawn k times counts k times: summing per patient first makes a resample one
    # product of U weights, whatever the number of cases.
    per_unit = np.zeros((units, values.shape[1]))
    np.add.at(per_unit, owner, values)
    sums = np.empty((resamples, values.shape[1]))
    for row in sums:
        row[:] = np.bincount(rng.integers(units, size=units), minlength=units) @ per_unit
    return sums


def unit_codes(
    groups: ArrayLike | None, n: int, *, per: str = "case", scored: str = "case"
) -> tuple[NDArray[np.int64], int]:
    """The code of each case's patient, int64 (N,), and how many patients there are.

    Args:
        groups: (N,), patient of each case; a missing value makes the case a patient of its own.
            None = every case for itself.
        n: number of cases.
        per: what a message calls the thing that a group is given for.
        scored: and the thing that is scored.

    Raises:
        DataError: groups of another length.
    """
    if groups is None:
        return np.arange(n), n
    given = pd.Series(np.asarray(groups, dtype=object))
    if given.shape != (n,):
        raise DataError(
            f"groups and {per}s don't fit together",
            expected=f"{n} values, one per {per}",
            found=f"{len(given)} values",
            fix=f"pass the patient of every {scored} that is scored",
        )
    codes = pd.factorize(given)[0].astype(np.int64)
    alone = np.flatnonzero(codes < 0)
    known = int(codes.max(initial=-1)) + 1
    codes[alone] = known + np.arange(len(alone))
    return codes, known + len(alone)


def percentile_interval(draws: Floats, level: float) -> tuple[float, float]:
    """The middle ``level`` of the draws; ``(nan, nan)`` where over a tenth of them is undefined."""
    defined = draws[~np.isnan(draws)]
    if len(defined) == 0 or len(defined) < DEFINED * len(draws):
        return float("nan"), float("nan")
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_bootstrap(resamples: int, level: float) -> None:
    """Refuse a bootstrap without resamples or with an interval that holds nothing or everything.

    Raises:
        ConfigError: ``resamples`` below 2 or ``level`` outside (0, 1).
    """
    if resamples < 2 or not 0 < level < 1:
        raise ConfigError(
            "the bootstrap can't be run like this",
            expected="resamples >= 2 and 0 < level < 1",
            found=f"resamples {resamples}, level {level}",
            fix="the usual choice is 1000 resamples or more and level 0.95",
        )
