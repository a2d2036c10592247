from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics as reference

from mixednoise.errors import DataError
from mixednoise.evaluation.metrics import SCALAR_METRICS, classification_metrics, confusion_scores
from mixednoise.evaluation.ranking import RankedScores, binary_auc


def predictions(n: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Unbalanced labels and better-than-chance probabilities, rounded so that scores tie."""
    rng = np.random.default_rng(seed)
    truth = np.minimum(rng.integers(classes, size=n), rng.integers(classes, size=n))
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1
    weight = np.round(np.exp(logits), 1) + 0.1
    return truth, weight / weight.sum(axis=1, keepdims=True)


def one_hot(predicted: list[int], classes: int) -> np.ndarray:
    return np.eye(classes)[predicted]


@pytest.mark.parametrize(("classes", "seed"), [(2, 0), (3, 1), (7, 2)])
def test_agrees_with_scikit_learn(classes: int, seed: int) -> None:
    truth, proba = predictions(300, classes, seed)
    predicted = proba.argmax(axis=1)
    found = classification_metrics(truth, proba, ordinal=True)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(truth, predicted))
    assert found["balanced_accuracy"] == pytest.approx(
        reference.balanced_accuracy_score(truth, predicted)
    )
    assert found["macro_f1"] == pytest.approx(reference.f1_score(truth, predicted, average="macro"))
    assert found["macro_auc"] == pytest.approx(
        reference.roc_auc_score(truth, proba[:, 1])
        if classes == 2
        else reference.roc_auc_score(truth, proba, multi_class="ovr")
    )
    assert found["qwk"] == pytest.approx(
        reference.cohen_kappa_score(truth, predicted, weights="quadratic")
    )
    np.testing.assert_array_equal(found["confusion"], reference.confusion_matrix(truth, predicted))
    recall = reference.recall_score(truth, predicted, average=None)
    f1 = reference.f1_score(truth, predicted, average=None)
    for c in range(classes):
        row = found["per_class"][str(c)]
        assert row["support"] == (truth == c).sum()
        assert row["sensitivity"] == pytest.approx(recall[c])
        assert row["f1"] == pytest.approx(f1[c])
        assert row["specificity"] == pytest.approx(
            reference.recall_score(truth != c, predicted != c)
        )
        if classes > 2:
            assert row["auc"] == pytest.approx(reference.roc_auc_score(truth == c, proba[:, c]))


def test_numbers_worked_by_hand() -> None:
    # Truth 0 0 0 1 1 2, predicted 0 0 1 1 2 2.
    proba = np.array(
        [
            [0.8, 0.1, 0.1],
            [0.6, 0.3, 0.1],
            [0.3, 0.5, 0.2],
            [0.1, 0.7, 0.2],
            [0.1, 0.3, 0.6],
            [0.0, 0.1, 0.9],
        ]
    )
    found = classification_metrics([0, 0, 0, 1, 1, 2], proba, ordinal=True)
    assert found["confusion"].tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    # F1 = 2 TP / (true + predicted): 4/5, 2/4, 2/3.
    assert found["macro_f1"] == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    # Squared distances observed: 1 + 1 = 2. By chance, with true (3, 2, 1) and predicted
    # (2, 2, 2): (3*(0+1+4) + 2*(1+0+1) + 1*(4+1+0)) * 2 / 6 = 24 * 2 / 6 = 8.
    assert found["qwk"] == pytest.approx(1 - 2 / 8)
    # Class 1 against the rest: positives 0.7 and 0.3, negatives 0.1 0.3 0.5 0.1.
    # 0.7 beats all 4; 0.3 beats two, ties one, loses one: (4 + 2.5) / 8.
    assert found["per_class"]["1"]["auc"] == pytest.approx(6.5 / 8)
    # Confidences 0.8 0.6 0.5 0.7 0.6 0.9; right, right, wrong, right, wrong, right. 0.6 lies
    # on the upper edge of the bin (8/15, 9/15], both of them: |1 - 1.2|; the others are alone.
    gaps = (0.2 + abs(1 - 1.2) + 0.5 + 0.3 + 0.1) / 6
    assert found["ece"] == pytest.approx(gaps)


def test_calibration_error_against_a_loop() -> None:
    truth, proba = predictions(200, 4, 5)
    confidence, right = proba.max(axis=1), proba.argmax(axis=1) == truth
    total = 0.0
    for b in range(15):
        inside = [i for i in range(200) if b / 15 < confidence[i] <= (b + 1) / 15]
        if inside:
            total += len(inside) * abs(
                sum(right[i] for i in inside) / len(inside)
                - sum(confidence[i] for i in inside) / len(inside)
            )
    found = classification_metrics(truth, proba, ordinal=False)
    assert found["ece"] == pytest.approx(total / 200)


def test_absent_class_is_left_out_but_a_wrong_guess_of_it_counts() -> None:
    found = classification_metrics([0, 0, 1], one_hot([0, 1, 1], 3), ordinal=True)
    assert math.isnan(found["per_class"]["2"]["sensitivity"])
    assert math.isnan(found["per_class"]["2"]["auc"])
    assert math.isnan(found["per_class"]["2"]["f1"])
    assert found["per_class"]["2"]["specificity"] == 1
    assert found["per_class"]["2"]["support"] == 0
    assert found["balanced_accuracy"] == pytest.approx(0.75)
    assert found["macro_f1"] == pytest.approx(2 / 3)
    assert found["macro_auc"] == pytest.approx(0.75)

    guessed = classification_metrics([0, 0, 1], one_hot([0, 2, 1], 3), ordinal=True)
    assert guessed["per_class"]["2"]["f1"] == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference.f1_score([0, 0, 1], [0, 2, 1], average="macro")
    assert guessed["macro_f1"] == pytest.approx(expected)


def test_one_class_only() -> None:
    found = classification_metrics([1, 1], one_hot([1, 1], 3), ordinal=True)
    assert found["accuracy"] == found["balanced_accuracy"] == found["macro_f1"] == 1
    assert math.isnan(found["macro_auc"])
    assert math.isnan(found["qwk"])
    assert math.isnan(found["per_class"]["1"]["specificity"])


def test_one_sample_and_none() -> None:
    one = classification_metrics([2], [[0.2, 0.3, 0.5]], ordinal=True)
    assert one["accuracy"] == 1
    assert one["ece"] == pytest.approx(0.5)
    none = classification_metrics(np.zeros(0, int), np.zeros((0, 3)), ordinal=True)
    assert none["n"] == 0
    assert all(math.isnan(none[name]) for name in SCALAR_METRICS)


def test_kappa_says_whether_it_means_something() -> None:
    truth, proba = predictions(20, 3, 0)
    assert classification_metrics(truth, proba, ordinal=True)["qwk_meaningful"]
    of_names = classification_metrics(truth, proba, ordinal=False)
    assert not of_names["qwk_meaningful"]
    assert math.isnan(of_names["qwk"])
    nominal, two = predictions(20, 2, 0)
    of_two = classification_metrics(nominal, two, ordinal=False)
    assert of_two["qwk_meaningful"]
    assert of_two["qwk"] == pytest.approx(
        reference.cohen_kappa_score(nominal, two.argmax(axis=1))  # no weights
    )


def test_two_classes_have_one_auc_even_where_one_column_saturates() -> None:
    # 1 - 1e-20 is 1.0: the first column ties where the second does not.
    small = np.array([1e-20, 2e-20, 3e-20, 4e-20])
    found = classification_metrics(
        [0, 0, 1, 1], np.stack([1 - small, small], axis=1), ordinal=False
    )
    assert found["per_class"]["0"]["auc"] == found["per_class"]["1"]["auc"] == 1


def test_class_names() -> None:
    found = classification_metrics(
        [0, 1], one_hot([0, 1], 2), ordinal=False, class_names=["normal", "cataract"]
    )
    assert list(found["per_class"]) == ["normal", "cataract"]
    with pytest.raises(DataError, match="2 different names"):
        classification_metrics([0, 1], one_hot([0, 1], 2), ordinal=False, class_names=["a", "a"])


@pytest.mark.parametrize(
    ("truth", "proba", "message"),
    [
        ([0, 1], np.full((3, 2), 0.5), r"labels \(2,\), probabilities \(3, 2\)"),
        ([0, 5], np.full((2, 2), 0.5), "5 in row 1"),
        ([0, -1], np.full((2, 2), 0.5), "-1 in row 1"),
        ([0, float("nan")], np.full((2, 2), 0.5), "nan in row 1"),
        ([0, 1], np.array([[0.5, 0.5], [3.0, -2.0]]), "row 1"),
        ([0, 1], np.array([[0.5, 0.5], [np.nan, 0.5]]), "row 1"),
        ([0, 1], np.array([[0.5, 0.5], [0.5, 0.9]]), "row 1"),
    ],
)
def test_wrong_input_gets_one_clear_message(
    truth: list[float], proba: np.ndarray, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        classification_metrics(truth, proba, ordinal=False)


def test_half_precision_probabilities_are_accepted() -> None:
    truth, proba = predictions(50, 5, 3)
    coarse = classification_metrics(truth, proba.astype(np.float16), ordinal=True)
    assert coarse["accuracy"] == classification_metrics(truth, proba, ordinal=True)["accuracy"]


def test_weighted_auc_equals_repeating_the_samples() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(5, size=40) / 5
    positive = rng.random(40) < 0.4
    weights = rng.integers(4, size=(40, 3))
    found = RankedScores(positive, scores).auc(weights)
    for r in range(3):
        again = np.repeat(np.arange(40), weights[:, r])
        expected = reference.roc_auc_score(positive[again], scores[again])
        assert found[r] == pytest.approx(expected)


def test_auc_of_one_side_is_nan() -> None:
    assert math.isnan(binary_auc([True, True], [0.1, 0.2]))
    assert math.isnan(binary_auc([False], [0.1]))
    assert math.isnan(binary_auc([], []))


def test_a_stack_of_confusion_matrices_is_scored_one_by_one() -> None:
    stack = np.random.default_rng(1).integers(1, 9, size=(4, 3, 3))
    together = confusion_scores(stack)
    for i in range(4):
        alone = confusion_scores(stack[i])
        for name, values in together.items():
            np.testing.assert_allclose(values[i], alone[name])
