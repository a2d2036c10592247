"""How well the three groups were told apart, where the truth is known (noise made on purpose)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mixednoise.data.table import GROUPS
from mixednoise.errors import DataError
from mixednoise.evaluation.metrics import confusion_matrix
from mixednoise.evaluation.ranking import Floats, binary_auc, divide

Counts = NDArray[np.int64]


def separation_metrics(
    noise_group: ArrayLike, p: ArrayLike, group: ArrayLike | None = None
) -> dict[str, Any]:
    """Compare the separation with the known groups.

    Samples whose true group is unknown or that were not separated (NaN in ``p``) are left out.

    Args:
        noise_group: (N,), true groups: ``"correct"``, ``"mis_h"``, ``"mis_l"`` or their codes
            0, 1, 2; missing (None, NA, NaN, ``""``) or -1 where unknown.
        p: float (N, 3), probabilities of correct, mis_h and mis_l.
        group: int (N,), the groups that were found; default ``p.argmax(axis=1)``.

    Returns:
        ``correct_auroc``: AUROC of p(correct), correct against the rest. ``mis_l_auroc``: AUROC of
        p(mis_l), mis_l against the rest. NaN where one side is absent. ``confusion``: int64 (3, 3),
        rows the truth, columns what was found. ``groups``: ``{name: {precision, recall, support,
        found}}``, NaN precision where nothing was found, NaN recall where there was nothing to
        find. ``label_issues``: ``{precision, recall, f1}`` of "mis_h or mis_l" against the same in
        truth, the two kinds taken together. ``n``: number of samples compared.

    Raises:
        DataError: unknown group names, or arrays that don't fit together.
    """
    truth = group_codes(noise_group)
    posterior = np.asarray(p, dtype=np.float64)
    if posterior.shape != (len(truth), 3):
        raise DataError(
            "the groups and their probabilities don't fit together",
            expected=f"probabilities of shape ({len(truth)}, 3)",
            found=str(posterior.shape),
            fix="pass p(correct), p(mis_h), p(mis_l) of every sample",
        )
    found = posterior.argmax(axis=1) if group is None else np.asarray(group, dtype=np.int64)
    known = (truth >= 0) & np.isfinite(posterior).all(axis=1) & (found >= 0)
    truth, posterior, found = truth[known], posterior[known], found[known]
    confusion = confusion_matrix(truth, found, 3)
    precision: Floats = divide(np.diagonal(confusion), confusion.sum(axis=0))
    recall: Floats = divide(np.diagonal(confusion), confusion.sum(axis=1))
    return {
        "correct_auroc": binary_auc(truth == 0, posterior[:, 0]),
        "mis_l_auroc": binary_auc(truth == 2, posterior[:, 2]),
        "confusion": confusion,
        "groups": {
            name: {
                "precision": float(precision[g]),
                "recall": float(recall[g]),
                "support": int(confusion[g].sum()),
                "found": int(confusion[:, g].sum()),
            }
            for g, name in enumerate(GROUPS)
        },
        "label_issues": _found_issues(confusion[1:, 1:].sum(), confusion[0, 1:], confusion[1:, 0]),
        "n": len(truth),
    }


def _found_issues(right: int, false_alarms: Counts, missed: Counts) -> dict[str, float]:
    """Precision, recall and F1; NaN where nothing was found, or there was nothing to find."""
    alarms, lost = int(false_alarms.sum()), int(missed.sum())
    fractions = {
        "precision": (right, right + alarms),
        "recall": (right, right + lost),
        "f1": (2 * right, 2 * right + alarms + lost),
    }
    return {
        name: float(part) / float(whole) if whole else float("nan")
        for name, (part, whole) in fractions.items()
    }


def group_codes(groups: ArrayLike) -> NDArray[np.int64]:
    """Group names or codes as int64 (N,): 0 correct, 1 mis_h, 2 mis_l, -1 unknown.

    Raises:
        DataError: a value that is neither.
    """
    values = pd.Series(np.asarray(groups, dtype=object))
    names: dict[Any, int] = {name: code for code, name in enumerate(GROUPS)}
    codes = values.map(names | {-1: -1, 0: 0, 1: 1, 2: 2, "": -1})
    missing = values.isna()
    wrong = values[codes.isna() & ~missing]
    if len(wrong):
        raise DataError(
            "an unknown noise group",
            expected=f"one of {', '.join(GROUPS)}, or nothing where it is not known",
            found=f"{wrong.iloc[0]!r} in row {wrong.index[0]} ({len(wrong)} such rows)",
            fix="correct the column that holds the true groups",
        )
    return codes.mask(missing, -1).to_numpy(np.int64)
