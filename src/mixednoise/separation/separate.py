"""From loss and entropy to groups: ``correct``, ``mis_h``, ``mis_l``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.data.table import GROUPS
from mixednoise.errors import DataError
from mixednoise.separation.case import Case, Fallback
from mixednoise.separation.memory import State, average
from mixednoise.separation.mixture import Array
from mixednoise.separation.one_mixture import OneMixture
from mixednoise.separation.settings import SeparationSettings
from mixednoise.separation.two_step import judge_in_two_steps

Labels = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class ClassReport:
    """What became of one given class; triples are in the order correct, mis_h, mis_l.

    Attributes:
        label: the class.
        sizes: samples in each group.
        loss: mean loss of each component, weighted by p; NaN where nothing belongs to it.
        entropy: the same for entropy.
        fallback: '' = judged as asked; 'all_classes' = by the fit to all classes; 'halves' =
            without a fit: lowest-loss half, then median entropy.
        kept: samples called ``correct`` only because a share of each class is kept.
    """

    label: int
    sizes: tuple[int, int, int]
    loss: tuple[float, float, float]
    entropy: tuple[float, float, float]
    fallback: Fallback
    kept: int


@dataclass(frozen=True)
class Separation:
    """The verdict over a training set.

    Attributes:
        p: float64 (N, 3): P(correct), P(mis_h), P(mis_l), rows sum to 1.
        group: int8 (N,): index into :data:`mixednoise.data.table.GROUPS`; the largest p (Eq. 4),
            but for the samples that each class keeps (see ``minimum_correct_share``).
        loss: float64 (N,): what was judged, averaged over epochs where asked for.
        entropy: float64 (N,): likewise.
        classes: one report per class, in order.
        state: for the next epoch and for checkpoints: numpy arrays and floats in a flat dictionary.
    """

    p: Array
    group: np.ndarray[Any, np.dtype[np.int8]]
    loss: Array
    entropy: Array
    classes: tuple[ClassReport, ...]
    state: State

    @property
    def sizes(self) -> dict[str, int]:
        """Samples in each group, by name."""
        counts = np.bincount(self.group, minlength=3)
        return {name: int(count) for name, count in zip(GROUPS, counts, strict=True)}

    @property
    def fallbacks(self) -> dict[int, Fallback]:
        """Classes that were not judged as asked, and what stood in."""
        return {report.label: report.fallback for report in self.classes if report.fallback}


def separate(
    loss: Array,
    entropy: Array,
    labels: Labels,
    num_classes: int,
    settings: SeparationSettings | None = None,
    state: Mapping[str, Any] | None = None,
    *,
    unusual: Array | None = None,
    right_shares: Array | None = None,
) -> Separation:
    """Tell right labels, wrong labels and unreadable images apart. Deterministic.

    Args:
        loss: (N,), -log p[given label] of each training sample, in nats (Eq. 1). +inf (a
            probability that underflowed) counts as the largest finite loss.
        entropy: (N,), of the same softmax, in nats. NaN here or in ``loss`` is allowed: such a
            sample is never called correct while others of its class can be judged.
        labels: int (N,), the given labels, in [0, C).
        num_classes: C >= 2. A class without samples is allowed.
        settings: see :class:`SeparationSettings`; None = the default.
        state: ``Separation.state`` of the last epoch of the same network (or tensors made of it):
            warm start and memory. None = first epoch.
        unusual: (N,), >= 0, how unlike the others each image looks, see
            :func:`mixednoise.quality.unusual.unusualness`; NaN = unknown. It can't overrule a
            network that reads the image with confidence. Used by ``two_step`` alone.
        right_shares: (C,), in [0, 1]: what else is known of the share of right labels in every
            given class. At least this share stays ``correct``, or ``minimum_correct_share`` where
            that is more.

    Raises:
        DataError: shapes or labels that don't fit together.
    """
    settings = settings or SeparationSettings()
    loss, entropy = np.asarray(loss, dtype=np.float64), np.asarray(entropy, dtype=np.float64)
    labels = np.asarray(labels)
    _check(loss, entropy, labels, num_classes, unusual)
    averaged = average(_without_overflow(loss), entropy, state, settings.memory)
    case = Case(
        *averaged[:2],
        labels.astype(np.int64),
        num_classes,
        settings,
        past=state,
        state=averaged[2],
        unusual=None if unusual is None else np.asarray(unusual, dtype=np.float64),
        right_shares=None if right_shares is None else np.asarray(right_shares, dtype=np.float64),
    )
    if settings.model == "two_step":
        p, fallbacks = judge_in_two_steps(case)
    else:
        p, fallbacks = OneMixture(case).judge()
    believed = [_believe_enough(case, rows, p) for rows in case.rows]
    group = p.argmax(axis=1).astype(np.int8)
    kept = [
        more + _keep(case, rows, p, group) for more, rows in zip(believed, case.rows, strict=True)
    ]
    reports = tuple(
        _report(case, label, p, group, fallbacks[label], kept[label])
        for label in range(num_classes)
    )
    return Separation(p, group, case.loss, case.entropy, reports, case.state)


def _needed(case: Case, rows: Labels) -> int:
    """How many samples of a class are called correct whatever the fit says."""
    if not len(rows):
        return 0
    share = case.settings.minimum_correct_share
    if case.right_shares is not None:
        share = max(share, float(case.right_shares[case.labels[rows[0]]]))
    return max(1, int(share * len(rows)))


def _believe_enough(case: Case, rows: Labels, p: Array) -> int:
    """Shift a class's odds of a right label, all by one factor, until its share is reached.

    Returns:
        How many samples became ``correct`` by it.

    A network that is biased towards large classes finds every label of a small one surprising. The
    order within the class says what is right there, its level does not; and a sample that is
    called correct must be trusted as one, or its label is never learned. p(mis_l) stays. What can't
    be reached so, because too many images are unreadable, :func:`_keep` does.
    """
    needed = _needed(case, rows)
    correct, mis_h, mis_l = p[rows].T
    readable = correct + mis_h
    already = int((p[rows].argmax(axis=1) == 0).sum())
    if already >= needed or not readable.any():
        return 0
    # The least P(right | readable) at which "correct" is the most probable group.
    least = np.maximum(0.5, np.divide(mis_l, readable, out=np.ones_like(mis_l), where=readable > 0))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = (least / (1 - least)) / (correct / mis_h)
    factor[~(least < 1) | (correct <= 0)] = np.inf
    wanted = np.partition(factor, needed - 1)[needed - 1]
    if not 1 < wanted < np.inf:
        return 0
    # A hair more, so that rounding does not undo it at the last sample.
    shifted = correct * wanted * (1 + 1e-9)
    # Both by one rule: what is left of `readable` could come out a hair below 0.
    whole = shifted + mis_h
    share = np.divide(shifted, whole, out=np.zeros_like(whole), where=whole > 0)
    p[rows, 0] = readable * share
    p[rows, 1] = readable * np.divide(mis_h, whole, out=np.ones_like(whole), where=whole > 0)
    return needed - already


def _keep(case: Case, rows: Labels, p: Array, group: np.ndarray[Any, np.dtype[np.int8]]) -> int:
    """Call a class's least suspicious samples correct until its share is reached; how many."""
    missing = _needed(case, rows) - int((group[rows] == 0).sum())
    if missing <= 0:
        return 0
    candidates = rows[group[rows] != 0]
    loss = np.where(case.finite[candidates], case.loss[candidates], np.inf)
    chosen = candidates[np.lexsort((loss, -p[candidates, 0]))[:missing]]
    group[chosen] = 0
    return missing


def _report(
    case: Case,
    label: int,
    p: Array,
    group: np.ndarray[Any, np.dtype[np.int8]],
    fallback: Fallback,
    kept: int,
) -> ClassReport:
    rows = case.rows[label]
    sizes = np.bincount(group[rows], minlength=3)
    known = rows[case.finite[rows]]
    totals = p[known].sum(axis=0)

    def means(values: Array) -> tuple[float, float, float]:
        sums = p[known].T @ values[known]
        a, b, c = np.divide(sums, totals, out=np.full(3, np.nan), where=totals > 0)
        return float(a), float(b), float(c)

    return ClassReport(
        label,
        (int(sizes[0]), int(sizes[1]), int(sizes[2])),
        means(case.loss),
        means(case.entropy),
        fallback,
        kept,
    )


def _without_overflow(loss: Array) -> Array:
    finite = loss[np.isfinite(loss)]
    return np.where(np.isposinf(loss), finite.max(), loss) if len(finite) else loss


def _check(
    loss: Array, entropy: Array, labels: Labels, num_classes: int, unusual: Array | None
) -> None:
    shapes = {"entropy": entropy.shape, "labels": labels.shape}
    if unusual is not None:
        shapes["unusual"] = np.shape(unusual)
    wrong = {name: shape for name, shape in shapes.items() if shape != loss.shape}
    if loss.ndim != 1 or len(loss) == 0 or wrong:
        raise DataError(
            "sample separation needs one loss, entropy and label per sample",
            expected="arrays of one and the same shape (N,), N > 0",
            found=", ".join(f"{k} {shape}" for k, shape in {"loss": loss.shape, **wrong}.items()),
            fix="pass one value per training sample in each array, in the same order",
        )
    if num_classes < 2 or labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            "labels and the number of classes don't fit together",
            expected="at least 2 classes, and labels from 0 to one less than their number",
            found=f"{num_classes} classes, labels from {labels.min()} to {labels.max()}",
            fix="pass class codes 0..C-1 as labels, and C as num_classes",
        )
