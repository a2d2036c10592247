"""Is one method better than another on the same cases? The paired bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.ranking import divide
from mixednoise.evaluation.resampling import (
    check_bootstrap,
    percentile_interval,
    resampled_sums,
    unit_codes,
)

#: Columns of :func:`compare_methods`, in order.
COLUMNS = (
    "method",
    "baseline",
    "cases",
    "patients",
    "left_out",
    "mean",
    "baseline_mean",
    "difference",
    "low",
    "high",
    "share_above_zero",
)


@dataclass(frozen=True)
class PairedResult:
    """One method against one baseline on the same cases; the unit is that of the score.

    Attributes:
        cases: cases with a score from both.
        patients: independent units among them: those that were drawn.
        left_out: cases without a score from one of the two or from both.
        mean: mean score of the method over the common cases.
        baseline_mean: that of the baseline.
        difference: ``mean - baseline_mean``; above zero = better where high is good.
        low: lower end of the percentile interval of the difference; NaN below two patients.
        high: upper end.
        share_above_zero: share of the resamples in which the difference is above zero, in [0, 1];
            a tie is not above zero. NaN below two patients.
    """

    cases: int
    patients: int
    left_out: int
    mean: float
    baseline_mean: float
    difference: float
    low: float
    high: float
    share_above_zero: float


def paired_bootstrap(
    scores: ArrayLike,
    baseline: ArrayLike,
    *,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
    groups: ArrayLike | None = None,
) -> PairedResult:
    """Resample the per-case differences of two methods (Efron and Tibshirani, 1993, ch. 13).

    Pairing takes out what both methods share, the difficulty of a case: with 50 test images it is
    what makes a difference of a Dice point visible, or shows that it is none.

    Args:
        scores: float (N,), one number per case; NaN = undefined for this case.
        baseline: float (N,), the same cases in the same order.
        rng: the only source of chance.
        resamples: number of resamples, at least 2.
        level: share of the resamples inside the interval, in (0, 1).
        groups: (N,), patient of each case; whole patients are drawn. A missing value makes a case
            a patient of its own.

    Raises:
        DataError: scores that don't pair up or are infinite, or groups of another length.
        ConfigError: ``resamples`` or ``level`` out of range.
    """
    check_bootstrap(resamples, level)
    own, other = np.asarray(scores, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if own.ndim != 1 or own.shape != other.shape or np.isinf(own).any() or np.isinf(other).any():
        raise DataError(
            "the scores of the two methods don't pair up",
            expected="two lists of the same length, finite numbers or NaN",
            found=f"shapes {own.shape} and {other.shape}, "
            f"{int(np.isinf(own).sum() + np.isinf(other).sum())} infinite values",
            fix="score both methods on the same cases, in the same order",
        )
    codes, _ = unit_codes(groups, len(own))
    both = ~(np.isnan(own) | np.isnan(other))
    differences, codes = (own - other)[both], codes[both]
    patients = len(np.unique(codes))
    low = high = share = float("nan")
    if patients >= 2:
        columns = np.stack([differences, np.ones(len(differences))], axis=1)
        sums = resampled_sums(columns, rng=rng, resamples=resamples, groups=codes)
        draws = divide(sums[:, 0], sums[:, 1])
        low, high = percentile_interval(draws, level)
        share = float(np.mean(draws > 0))
    return PairedResult(
        cases=len(differences),
        patients=patients,
        left_out=int((~both).sum()),
        mean=_mean(own[both]),
        baseline_mean=_mean(other[both]),
        difference=_mean(differences),
        low=low,
        high=high,
        share_above_zero=share,
    )


def compare_methods(
    scores: Mapping[str, pd.Series[Any]],
    baseline: str,
    *,
    rng: np.random.Generator,
    resamples: int = 10_000,
    level: float = 0.95,
    groups: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Several methods against one baseline, matched by case name.

    Every method meets the same resamples (as far as it scores the same cases), so that their
    intervals can be compared with one another.

    Args:
        scores: ``{method: scores}``, each a series of floats with case names as index (what
            :meth:`~mixednoise.evaluation.mask_metrics.MaskEvaluator.scores` gives); NaN =
            undefined.
        baseline: which of the methods the others are compared with.
        rng: the only source of chance; left advanced by one number.
        resamples: number of resamples, at least 2.
        level: share of the resamples inside the interval, in (0, 1).
        groups: ``{case name: patient}``; cases that are not in it are patients of their own.

    Returns:
        One row per method other than the baseline, in the order given, with :data:`COLUMNS`.

    Raises:
        ConfigError: the baseline is none of the methods; ``resamples`` or ``level`` out of range.
        DataError: methods scored on different cases, a case named twice, infinite scores.
    """
    if baseline not in scores:
        raise ConfigError(
            f"there is no method {baseline!r} to compare with",
            expected="the name of one of the methods",
            found=examples(scores) or "no method at all",
            fix="pass the scores of the baseline too",
        )
    reference = scores[baseline]
    names = list(reference.index)
    patients = None
    if groups is not None:
        patients = np.array([groups.get(str(name)) for name in names], dtype=object)
    seed = int(rng.integers(2**63))
    rows = []
    for method, own in scores.items():
        _check_cases(method, own, baseline, reference)
        if method == baseline:
            continue
        result = paired_bootstrap(
            own.reindex(names).to_numpy(np.float64),
            reference.to_numpy(np.float64),
            rng=np.random.default_rng(seed),
            resamples=resamples,
            level=level,
            groups=patients,
        )
        rows.append({"method": method, "baseline": baseline, **asdict(result)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _check_cases(
    method: str, own: pd.Series[Any], baseline: str, reference: pd.Series[Any]
) -> None:
    twice = own.index[own.index.duplicated()]
    if len(twice):
        raise DataError(
            f"{method} scores a case twice",
            expected="one score per case",
            found=examples(twice),
            fix="score each case once",
        )
    lacking, extra = reference.index.difference(own.index), own.index.difference(reference.index)
    if len(lacking) or len(extra):
        raise DataError(
            f"{method} and {baseline} were not scored on the same cases",
            expected=f"the {len(reference)} cases of {baseline}",
            found=f"lacking: {examples(lacking) or 'none'}; more: {examples(extra) or 'none'}",
            fix="score every method on the same test set",
        )


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.mean()) if len(values) else float("nan")
