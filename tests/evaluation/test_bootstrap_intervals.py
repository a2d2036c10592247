from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation import intervals
from mixednoise.evaluation.intervals import bootstrap_intervals
from mixednoise.evaluation.metrics import SCALAR_METRICS, classification_metrics


def predictions(n: int = 60, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.arange(n) % classes)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), truth] += 1
    weight = np.round(np.exp(logits), 1) + 0.1
    return truth, weight / weight.sum(axis=1, keepdims=True)


def naive(truth: np.ndarray, proba: np.ndarray, picks: list[np.ndarray]) -> dict[str, list[float]]:
    """Every resample scored by scikit-learn."""
    values: dict[str, list[float]] = {name: [] for name in SCALAR_METRICS}
    for pick in picks:
        y, p = truth[pick], proba[pick]
        guess = p.argmax(axis=1)
        values["accuracy"].append(reference.accuracy_score(y, guess))
        values["balanced_accuracy"].append(reference.balanced_accuracy_score(y, guess))
        values["macro_f1"].append(reference.f1_score(y, guess, average="macro"))
        values["macro_auc"].append(reference.roc_auc_score(y, p, multi_class="ovr"))
        values["qwk"].append(reference.cohen_kappa_score(y, guess, weights="quadratic"))
        values["ece"].append(classification_metrics(y, p, ordinal=True)["ece"])
    return values


def assert_same(found: dict, values: dict[str, list[float]]) -> None:
    for name, draws in values.items():
        assert found[name] == pytest.approx(np.percentile(draws, [2.5, 97.5]), rel=1e-5), name


def test_equals_a_loop_over_resampled_rows() -> None:
    truth, proba = predictions()
    found = bootstrap_intervals(truth, proba, rng=np.random.default_rng(7), resamples=10)
    rng = np.random.default_rng(7)
    assert_same(found, naive(truth, proba, [rng.integers(60, size=60) for _ in range(10)]))


def test_per_class_equals_a_loop() -> None:
    truth, proba = predictions()
    found = bootstrap_intervals(
        truth, proba, rng=np.random.default_rng(7), resamples=10, class_names=["a", "b", "c"]
    )
    rng = np.random.default_rng(7)
    draws = []
    for _ in range(10):
        pick = rng.integers(60, size=60)
        y, p = truth[pick] == 1, proba[pick]
        guess = p.argmax(axis=1) == 1
        draws.append(
            (
                reference.recall_score(y, guess),
                reference.recall_score(~y, ~guess),
                reference.roc_auc_score(y, p[:, 1]),
                reference.f1_score(y, guess),
            )
        )
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    for k, metric in enumerate(("sensitivity", "specificity", "auc", "f1")):
        assert found["per_class"]["b"][metric] == pytest.approx((low[k], high[k]))


def test_patients_are_drawn_whole() -> None:
    truth, proba = predictions(48)
    patients = np.array([f"patient {i // 4}" for i in range(48)])
    found = bootstrap_intervals(
        truth, proba, rng=np.random.default_rng(3), resamples=10, groups=patients
    )
    rng = np.random.default_rng(3)
    picks = []
    for _ in range(10):
        drawn = rng.integers(12, size=12)
        picks.append(np.concatenate([np.arange(4 * k, 4 * k + 4) for k in drawn]))
    assert_same(found, naive(truth, proba, picks))


def test_copies_of_a_patient_bring_no_certainty() -> None:
    truth, proba = predictions(40, 2)
    many, copies = np.repeat(truth, 10), np.repeat(proba, 10, axis=0)
    grouped = bootstrap_intervals(
        many, copies, rng=np.random.default_rng(0), groups=np.repeat(np.arange(40), 10)
    )
    once = bootstrap_intervals(truth, proba, rng=np.random.default_rng(0))
    taken_apart = bootstrap_intervals(many, copies, rng=np.random.default_rng(0))
    assert grouped["accuracy"] == pytest.approx(once["accuracy"])
    width = grouped["accuracy"][1] - grouped["accuracy"][0]
    assert width > 2 * (taken_apart["accuracy"][1] - taken_apart["accuracy"][0])


def test_unknown_patients_stand_alone() -> None:
    truth, proba = predictions(30)
    alone = bootstrap_intervals(truth, proba, rng=np.random.default_rng(1), resamples=50)
    unknown = bootstrap_intervals(
        truth, proba, rng=np.random.default_rng(1), resamples=50, groups=[None] * 30
    )
    assert unknown == alone


def test_result_does_not_depend_on_the_chunk_size(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, proba = predictions()
    whole = bootstrap_intervals(truth, proba, rng=np.random.default_rng(0), resamples=25)
    monkeypatch.setattr(intervals, "CHUNK", 60 * 4)
    pieces = bootstrap_intervals(truth, proba, rng=np.random.default_rng(0), resamples=25)
    for name in SCALAR_METRICS:
        assert pieces[name] == pytest.approx(whole[name], rel=1e-6)


def test_level_widens_the_interval_and_the_seed_decides() -> None:
    truth, proba = predictions()
    narrow = bootstrap_intervals(truth, proba, rng=np.random.default_rng(0), level=0.5)
    wide = bootstrap_intervals(truth, proba, rng=np.random.default_rng(0), level=0.99)
    for name in SCALAR_METRICS:
        assert wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1]
    assert bootstrap_intervals(truth, proba, rng=np.random.default_rng(0), level=0.5) == narrow


def test_too_few_for_an_interval() -> None:
    # Class 2 has a single sample: it is missing from 37 % of the resamples.
    truth = np.array([0] * 10 + [1] * 10 + [2])
    found = bootstrap_intervals(truth, np.eye(3)[truth], rng=np.random.default_rng(0))
    assert found["per_class"]["0"]["sensitivity"] == (1.0, 1.0)
    assert all(math.isnan(end) for end in found["per_class"]["2"]["sensitivity"])
    assert all(math.isnan(end) for end in found["per_class"]["2"]["auc"])

    single = bootstrap_intervals([1], [[0.5, 0.5]], rng=np.random.default_rng(0))
    one_patient = bootstrap_intervals(
        [0, 1], np.eye(2), rng=np.random.default_rng(0), groups=["p", "p"]
    )
    for result in (single, one_patient):
        assert all(math.isnan(end) for name in SCALAR_METRICS for end in result[name])


def test_wrong_options() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="resamples 1"):
        bootstrap_intervals([0, 1], np.eye(2), rng=rng, resamples=1)
    with pytest.raises(ConfigError, match="level 95"):
        bootstrap_intervals([0, 1], np.eye(2), rng=rng, level=95)
    with pytest.raises(DataError, match="3 values"):
        bootstrap_intervals([0, 1], np.eye(2), rng=rng, groups=["a", "b", "c"])
