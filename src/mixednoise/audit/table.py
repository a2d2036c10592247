"""The verdict per sample: the columns of ``samples.csv`` and ``audit.csv``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mixednoise.audit.label_quality import label_quality
from mixednoise.audit.reasons import explain, share_below
from mixednoise.data.table import GROUPS, Dataset
from mixednoise.errors import DataError

#: The columns that are always there, in order.
COLUMNS = (
    "id",
    "split",
    "given_label",
    "suggested_label",
    "p_correct",
    "p_mis_h",
    "p_mis_l",
    "loss",
    "entropy",
    "group",
    "is_label_issue",
    "label_quality",
    "predicted_label",
    "reasons",
)
#: Added where the truth is known for at least one row.
TRUTH_COLUMNS = ("true_label", "noise_group")
#: Added where the method has counted: ``looks`` of the argument, agreeing and all.
LOOK_COLUMNS = ("looks_agreed", "looks")
#: Added where it is known how unlike the others each image looks: the share that does so less.
UNUSUAL_COLUMN = "unusual"
#: After them, where the method has a belief: what it believed of the given label, on the way.
BELIEF_COLUMN = "belief_in_label"

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def audit_table(
    dataset: Dataset,
    *,
    p: ArrayLike,
    loss: ArrayLike,
    entropy: ArrayLike,
    probabilities: ArrayLike,
    group: ArrayLike | None = None,
    looks: tuple[ArrayLike, ArrayLike] | None = None,
    belief: ArrayLike | None = None,
    views: tuple[ArrayLike, int] | None = None,
    unusual: ArrayLike | None = None,
) -> pd.DataFrame:
    """Build the table that a curator reads and that review and export start from.

    A sample is *judged* when its row of ``p`` is finite. Samples of the validation and test split
    usually aren't: they are scored, but nothing is said against them (no group, no issue), because
    dropping "suspicious" test samples makes any model look better than it is.

    Args:
        dataset: N samples; the table gets its rows in the same order.
        p: float (N, 3), probabilities of correct, mis_h, mis_l; a row of NaN = not judged.
        loss: float (N,), -log p(given label) in nats; NaN = not known.
        entropy: float (N,), entropy of the prediction in nats, 0..log C; NaN = not known.
        probabilities: float (N, C), class probabilities of the final model; a row of NaN = not
            scored (an image that could not be read).
        group: int (N,), found group 0, 1, 2 or -1; default the most probable one.
        looks: ``(n_agree, n_total)``, int (N,) each: how often, in how many looks during training,
            the prediction agreed with the given label. Makes a reason.
        belief: float (N, C), class probabilities: what the method believed of each sample while it
            learned from it. With it, a sample that is mis_h is never offered its given label.
        views: ``(n_same, total)``, int (N,) and a number: in how many looks of the finished
            networks the prediction is the predicted class. Makes a reason.
        unusual: float (N,), how unlike the others each image looks, on any scale; NaN = not known.
            Makes a reason for mis_l.

    Returns:
        A data frame with :data:`COLUMNS`, then :data:`TRUTH_COLUMNS` where any truth is known,
        then :data:`LOOK_COLUMNS` where ``looks`` are given, :data:`UNUSUAL_COLUMN` (share of the
        judged images that look less unlike the others, in [0, 1)) where ``unusual`` is, and
        :data:`BELIEF_COLUMN` (the belief in the given label, in [0, 1]) where ``belief`` is.
        Labels are class names; text is ``""`` where there is nothing to say, numbers are NaN.

        - ``suggested_label``: the label to use. The given one where the sample is correct or was
          not judged; the predicted one where it is mis_h (with ``belief`` the other class that was
          believed in most); ``""`` where it is mis_l, since nobody
          should be offered a label for an image that can't be read.
        - ``is_label_issue``: bool, group is mis_h or mis_l; False where not judged.
        - ``label_quality``: in [0, 1], 1 = surely right: see
          :func:`~mixednoise.audit.label_quality.label_quality`.
        - ``reasons``: plain words, joined by ``"; "``.

    Raises:
        DataError: arrays that don't fit the data set, or values out of range.
    """
    n, classes = len(dataset), dataset.num_classes
    posterior = _floats("p", p, (n, 3))
    proba = _floats("probabilities", probabilities, (n, classes))
    losses = _floats("loss", loss, (n,))
    entropies = _floats("entropy", entropy, (n,))
    judged = _whole_rows("p", posterior)
    scored = _whole_rows("probabilities", proba)
    codes = np.full(n, -1)
    if group is None:
        codes[judged] = posterior[judged].argmax(axis=1)
    else:
        codes[judged] = _integers("group", group, n, lowest=-1, highest=2)[judged]
    predicted = np.full(n, -1)
    predicted[scored] = proba[scored].argmax(axis=1)
    given = dataset.labels
    seen = None
    if looks is not None:
        total = _integers("looks[1]", looks[1], n, lowest=0)
        seen = _integers("looks[0]", looks[0], n, lowest=0), total

    strange = None
    if unusual is not None:
        everyone = np.zeros(n, np.int64)
        strange = share_below(_floats("unusual", unusual, (n,)), everyone, codes >= 0)

    proposed = np.where(predicted >= 0, predicted, given)
    believed = None
    if belief is not None:
        others = _floats("belief", belief, (n, classes)).copy()
        believed = others[np.arange(n), given].copy()
        others[np.arange(n), given] = -1.0
        proposed = np.where(np.isnan(believed), proposed, others.argmax(axis=1))
    suggested = np.where(codes == 1, proposed, given)
    suggested[codes == 2] = -1
    confidence = proba[np.arange(n), given]
    quality = label_quality(posterior[:, 0], confidence)
    text = explain(
        class_names=dataset.class_names,
        given=given,
        predicted=predicted,
        probabilities=proba,
        p=posterior,
        group=codes,
        loss=losses,
        entropy=entropies,
        looks=seen,
        views=None if views is None else (_integers("views", views[0], n, lowest=0), views[1]),
        unusual=strange,
    )
    names = dataset.class_names
    table = pd.DataFrame(
        {
            "id": _text(dataset.table["id"]),
            "split": _text(dataset.table["split"]),
            "given_label": _named(given, names),
            "suggested_label": _named(suggested, names),
            "p_correct": posterior[:, 0],
            "p_mis_h": posterior[:, 1],
            "p_mis_l": posterior[:, 2],
            "loss": losses,
            "entropy": entropies,
            "group": _named(codes, GROUPS),
            "is_label_issue": codes > 0,
            "label_quality": quality,
            "predicted_label": _named(predicted, names),
            "reasons": pd.Series(text, dtype="string"),
        }
    )
    true = dataset.table["true_label"].to_numpy(np.int64)
    known = _text(dataset.table["noise_group"])
    if (true >= 0).any() or (known != "").any():
        table["true_label"] = _named(true, names)
        table["noise_group"] = known
    if seen is not None:
        table[list(LOOK_COLUMNS)] = np.stack(seen, axis=1)
    if strange is not None:
        table[UNUSUAL_COLUMN] = strange
    if believed is not None:
        table[BELIEF_COLUMN] = believed
    return table


def _floats(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.shape != shape or np.isinf(array).any():
        raise DataError(
            f"{name} doesn't fit the data set",
            expected=f"finite numbers or NaN, shape {shape}",
            found=f"shape {array.shape}, {np.isinf(array).sum()} infinite values",
            fix="pass one value (or row) per sample, in the order of the data set",
        )
    return array


def _integers(
    name: str, values: ArrayLike, n: int, *, lowest: int, highest: int | None = None
) -> Integers:
    array = np.asarray(values).astype(np.int64)
    out_of_range = (array < lowest) | (array > (array if highest is None else highest))
    if array.shape != (n,) or out_of_range.any():
        raise DataError(
            f"{name} doesn't fit the data set",
            expected=f"{n} whole numbers from {lowest}"
            + (f" to {highest}" if highest is not None else " up"),
            found=f"shape {array.shape}, {out_of_range.sum()} values out of range",
            fix="pass one value per sample, in the order of the data set",
        )
    return array


def _whole_rows(name: str, rows: Floats) -> NDArray[np.bool_]:
    """Which rows are there; the others must be NaN throughout."""
    missing = np.isnan(rows)
    whole = np.logical_not(missing.any(axis=1))
    valid = (rows[whole] >= 0).all(axis=1) & (np.abs(rows[whole].sum(axis=1) - 1) < 0.02)
    partly = missing.any(axis=1) & ~missing.all(axis=1)
    if partly.any() or not valid.all():
        raise DataError(
            f"rows of {name} are no probabilities",
            expected="values in [0, 1] that sum to 1, or NaN throughout",
            found=f"{int(partly.sum() + (~valid).sum())} other rows",
            fix="pass softmax outputs or posteriors, and NaN for samples without them",
        )
    return np.asarray(whole, dtype=bool)


def _named(codes: Integers, names: Sequence[str]) -> pd.Series[str]:
    """Names of codes; "" for -1."""
    return pd.Series(np.array([*names, ""], dtype=object)[codes], dtype="string")


def _text(column: pd.Series[str]) -> pd.Series[str]:
    return column.astype("string").fillna("").reset_index(drop=True)
