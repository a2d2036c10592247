from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mixednoise.errors import DataError
from mixednoise.evaluation.separation_metrics import group_codes, separation_metrics


def test_numbers_worked_by_hand() -> None:
    truth = ["correct", "correct", "mis_h", "mis_h", "mis_l"]
    p = [[0.9, 0.1, 0.0], [0.3, 0.5, 0.2], [0.4, 0.6, 0.0], [0.1, 0.2, 0.7], [0.0, 0.1, 0.9]]
    found = separation_metrics(truth, p)
    # Correct 0.9, 0.3 against 0.4, 0.1, 0.0: 3 + 2 of 6 pairs.
    assert found["correct_auroc"] == pytest.approx(5 / 6)
    assert found["mis_l_auroc"] == 1
    assert found["confusion"].tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found["groups"]["mis_h"] == {"precision": 0.5, "recall": 0.5, "support": 2, "found": 2}
    assert found["groups"]["mis_l"] == {"precision": 0.5, "recall": 1, "support": 1, "found": 2}
    # Three wrong labels, all among the four that were found.
    assert found["label_issues"] == pytest.approx({"precision": 3 / 4, "recall": 1, "f1": 6 / 7})
    assert found["n"] == 5


def test_agrees_with_scikit_learn_in_names_and_codes() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(3, size=80)
    p = rng.dirichlet(np.ones(3), size=80)
    by_code = separation_metrics(codes.astype(np.int8), p)
    names = pd.Series(np.array(["correct", "mis_h", "mis_l"])[codes], dtype="string")
    by_name = separation_metrics(names, p)
    assert by_code["correct_auroc"] == pytest.approx(roc_auc_score(codes == 0, p[:, 0]))
    assert by_code["mis_l_auroc"] == pytest.approx(roc_auc_score(codes == 2, p[:, 2]))
    assert by_name["mis_l_auroc"] == by_code["mis_l_auroc"]
    assert by_name["groups"] == by_code["groups"]


def test_unknown_truth_and_unjudged_rows_are_left_out() -> None:
    p = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [np.nan] * 3, [0, 0, 1.0]])
    truth = pd.Series(["correct", "mis_h", "correct", pd.NA], dtype="string")
    found = separation_metrics(truth, p)
    assert found["n"] == 2
    assert found["confusion"].sum() == 2
    assert found["correct_auroc"] == 1


def test_absent_groups_are_nan() -> None:
    found = separation_metrics(["correct", "mis_h"], [[0.9, 0.1, 0], [0.8, 0.2, 0]])
    assert math.isnan(found["mis_l_auroc"])
    assert math.isnan(found["groups"]["mis_l"]["recall"])
    assert math.isnan(found["groups"]["mis_l"]["precision"])
    assert found["groups"]["mis_h"]["recall"] == 0
    assert math.isnan(found["label_issues"]["precision"])
    assert found["label_issues"]["recall"] == 0
    nothing = separation_metrics([], np.zeros((0, 3)))
    assert nothing["n"] == 0
    assert math.isnan(nothing["correct_auroc"])


def test_groups_other_than_the_most_probable_one_can_be_given() -> None:
    p = [[0.6, 0.4, 0.0], [0.2, 0.8, 0.0]]
    found = separation_metrics(["mis_h", "mis_h"], p, group=[1, 1])
    assert found["groups"]["mis_h"]["recall"] == 1


def test_missing_values_and_unknown_names() -> None:
    assert group_codes(["mis_l", None, float("nan"), "", pd.NA, -1, 0]).tolist() == [
        2, -1, -1, -1, -1, -1, 0,
    ]  # fmt: skip
    with pytest.raises(DataError, match="'noisy' in row 1"):
        group_codes(["correct", "noisy"])
    with pytest.raises(DataError, match=r"shape \(1, 3\)"):
        separation_metrics(["correct"], np.zeros((2, 3)))
