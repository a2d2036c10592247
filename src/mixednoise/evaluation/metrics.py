"""How good is a classifier: the numbers of ``metrics.json``, per class and over all classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.ranking import Floats, RankedScores, divide, mean_of_defined

#: Numbers over all classes, in the order in which they are reported.
SCALAR_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "qwk", "ece")
#: Numbers per class (one class against the rest).
CLASS_METRICS = ("sensitivity", "specificity", "auc", "f1")
#: Equal-width confidence bins of the calibration error (Guo et al., ICML 2017).
CALIBRATION_BINS = 15


def classification_metrics(
    y_true: ArrayLike,
    probabilities: ArrayLike,
    *,
    ordinal: bool,
    class_names: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Score predicted probabilities against known labels.

    The predicted class is the most probable one (the first of equals). What can't be computed,
    because a class or everything is missing, is NaN, never a guess:

    - ``accuracy``: share of right predictions.
    - ``balanced_accuracy``: mean sensitivity over the classes that occur in ``y_true``.
    - ``macro_f1``: mean F1 over the classes that occur in ``y_true`` or are predicted, as in
      scikit-learn: a class that is predicted but never true counts with F1 = 0.
    - ``macro_auc``: mean one-versus-rest AUC over the classes that have both positives and
      negatives in ``y_true``. With two classes it is the AUC of the second class's probability.
    - ``qwk``: Cohen's kappa with quadratic weights; NaN where the order of the classes means
      nothing (see :func:`kappa_is_meaningful`).
    - ``ece``: expected calibration error of the highest probability, 15 equal-width bins.

    Args:
        y_true: int (N,), class codes 0..C-1. N may be 0.
        probabilities: float (N, C), rows summing to 1.
        ordinal: whether the classes are grades in order.
        class_names: names for ``per_class``; default ``"0"``, ``"1"``, ...

    Returns:
        The numbers above as floats; ``per_class``: ``{name: {sensitivity, specificity, auc, f1,
        support}}``; ``confusion``: int64 (C, C), rows the truth and columns the prediction;
        ``n``: int, number of samples; ``qwk_meaningful``: bool, whether it can be asked for.

    Raises:
        DataError: shapes that don't fit, labels outside 0..C-1, or values that are no
            probabilities.
    """
    truth, proba = check_predictions(y_true, probabilities)
    names = checked_names(class_names, proba.shape[1])
    confusion = confusion_matrix(truth, proba.argmax(axis=1), proba.shape[1])
    scores = confusion_scores(confusion)
    scores["auc"] = np.array([ranked.auc()[0] for ranked in one_versus_rest(truth, proba)])
    scores["macro_auc"] = mean_of_defined(scores["auc"])
    scores["ece"] = divide(np.abs(calibration_gaps(truth, proba).sum(axis=1)).sum(), len(truth))
    result: dict[str, Any] = {name: float(scores[name]) for name in SCALAR_METRICS}
    result["qwk_meaningful"] = kappa_is_meaningful(ordinal, proba.shape[1])
    if not result["qwk_meaningful"]:
        result["qwk"] = float("nan")
    result["n"] = len(truth)
    support = confusion.sum(axis=1)
    result["per_class"] = {
        name: {metric: float(scores[metric][c]) for metric in CLASS_METRICS}
        | {"support": int(support[c])}
        for c, name in enumerate(names)
    }
    result["confusion"] = confusion
    return result


def kappa_is_meaningful(ordinal: bool, num_classes: int) -> bool:
    """Whether weights by distance say something: of grades in order, and of two classes.

    With two classes there is one distance, and it is Cohen's kappa without weights.
    """
    return bool(ordinal or num_classes == 2)


def check_predictions(
    y_true: ArrayLike, probabilities: ArrayLike
) -> tuple[NDArray[np.int64], Floats]:
    """Labels as int64 (N,) and probabilities as float64 (N, C).

    Raises:
        DataError: as in :func:`classification_metrics`.
    """
    truth, proba = np.asarray(y_true), np.asarray(probabilities, dtype=np.float64)
    if proba.ndim != 2 or proba.shape[1] < 2 or truth.shape != proba.shape[:1]:
        raise DataError(
            "labels and probabilities don't fit together",
            expected="labels of shape (N,) and probabilities of shape (N, C) with C >= 2",
            found=f"labels {truth.shape}, probabilities {proba.shape}",
            fix="pass one row of class probabilities per label",
        )
    with np.errstate(invalid="ignore"):
        whole = truth.astype(np.int64)
    wrong = np.flatnonzero((whole != truth) | (whole < 0) | (whole >= proba.shape[1]))
    if len(wrong):
        raise DataError(
            "a label is no class code",
            expected=f"whole numbers from 0 to {proba.shape[1] - 1}",
            found=f"{truth[wrong[0]]} in row {wrong[0]} ({len(wrong)} such rows)",
            fix="leave out samples without a known label before scoring",
        )
    # Half-precision softmax rows miss 1 by up to a percent; logits miss it by far more.
    bad = np.flatnonzero(
        ~np.isfinite(proba).all(axis=1)
        | (proba.min(axis=1) < 0)
        | (np.abs(proba.sum(axis=1) - 1) > 0.02)
    )
    if len(bad):
        raise DataError(
            "a row of probabilities is none",
            expected="finite values in [0, 1] that sum to 1",
            found=f"row {bad[0]}: {np.array2string(proba[bad[0]], precision=4, threshold=8)}",
            fix="pass softmax outputs, not logits, and leave out samples that were not scored",
        )
    return whole, proba


def confusion_matrix(truth: ArrayLike, predicted: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Counts, int64 (C, C): row = true class, column = predicted class."""
    cells = np.asarray(truth, dtype=np.int64) * classes + np.asarray(predicted, dtype=np.int64)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def confusion_scores(confusion: ArrayLike) -> dict[str, Floats]:
    """Everything that follows from a confusion matrix, for one or for a stack of them.

    Args:
        confusion: counts or weights (..., C, C), rows the truth.

    Returns:
        ``accuracy, balanced_accuracy, macro_f1, qwk`` of shape (...,) and ``sensitivity,
        specificity, f1`` of shape (..., C), NaN where undefined.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    classes = counts.shape[-1]
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    true, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    total = true.sum(axis=-1)
    rest = total[..., None] - true
    sensitivity = divide(hits, true)
    f1 = divide(2 * hits, true + predicted)
    distance = np.subtract.outer(np.arange(classes), np.arange(classes)) ** 2.0
    observed = np.einsum("...ij,ij->...", counts, distance)
    by_chance = np.einsum("...i,ij,...j->...", true, distance, predicted)
    return {
        "accuracy": divide(hits.sum(axis=-1), total),
        "balanced_accuracy": mean_of_defined(sensitivity),
        "macro_f1": mean_of_defined(f1),
        "qwk": 1 - divide(observed * total, by_chance),
        "sensitivity": sensitivity,
        "specificity": divide(rest - (predicted - hits), rest),
        "f1": f1,
    }


def one_versus_rest(truth: NDArray[np.int64], proba: Floats) -> list[RankedScores]:
    """The ranking of each class's probability against the rest, in class order."""
    if proba.shape[1] == 2:
        # p_0 = 1 - p_1 on paper; in floating point one of them ties where the other doesn't.
        proba = np.stack([-proba[:, 1], proba[:, 1]], axis=1)
    return [RankedScores(truth == c, proba[:, c]) for c in range(proba.shape[1])]


def calibration_gaps(truth: NDArray[np.int64], proba: Floats) -> Floats:
    """Right (1 or 0) minus confidence of each sample, in the row of its bin: float64 (bins, N).

    With weights w (N,), the expected calibration error is ``sum |gaps @ w| / sum w``. Bin b holds
    the confidences in (b / bins, (b + 1) / bins].
    """
    confidence = proba.max(axis=1, initial=0.0)
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)[1:-1]
    gaps = np.zeros((CALIBRATION_BINS, len(truth)))
    right = proba.argmax(axis=1) == truth
    gaps[np.searchsorted(edges, confidence, side="left"), np.arange(len(truth))] = (
        right - confidence
    )
    return gaps


def checked_names(class_names: Sequence[str] | None, classes: int) -> list[str]:
    """The given names, or ``"0"``, ``"1"``, ...

    Raises:
        DataError: not one different name per class.
    """
    names = [str(c) for c in range(classes)] if class_names is None else list(class_names)
    if len(names) != classes or len(set(names)) != classes:
        raise DataError(
            "the class names don't fit the probabilities",
            expected=f"{classes} different names",
            found=f"{len(names)} names, {len(set(names))} of them different",
            fix="pass one name per column of the probabilities",
        )
    return names
