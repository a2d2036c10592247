from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.identification import (
    IdentificationEvaluator,
    PixelCounts,
    identification_counts,
)
from mixednoise.segmentation.labels import IGNORE


def case(seed: int, shape: tuple[int, ...] = (6, 7)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, shape).astype(np.uint8)
    given = np.where(rng.random(shape) < 0.3, rng.integers(0, 3, shape), truth).astype(np.uint8)
    flagged = (given != truth) ^ (rng.random(shape) < 0.2)
    return given, truth, flagged


def test_pooled_scores_equal_scikit_learn() -> None:
    scores = IdentificationEvaluator()
    wrong, flags = [], []
    for seed, shape in enumerate([(6, 7), (4, 9), (3, 4, 5)]):
        given, truth, flagged = case(seed, shape)
        scores.add(str(seed), given, truth, flagged)
        wrong.append((given != truth).ravel())
        flags.append(flagged.ravel())
    expected = precision_recall_fscore_support(
        np.concatenate(wrong), np.concatenate(flags), average="binary"
    )[:3]
    pooled = scores.pooled
    assert (pooled.precision, pooled.recall, pooled.f1) == pytest.approx(expected)
    assert pooled.error_rate == pytest.approx(np.concatenate(wrong).mean())
    table = scores.table()
    first = precision_recall_fscore_support(wrong[0], flags[0], average="binary")[:3]
    assert table.loc[0, ["precision", "recall", "f1"]].tolist() == pytest.approx(first)
    assert list(table["name"]) == ["0", "1", "2"]
    summary = scores.summary()
    assert summary["f1"] == pytest.approx(expected[2])
    assert summary["per_image"]["f1"]["n"] == 3


def test_nothing_over_nothing_is_undefined() -> None:
    clean = PixelCounts(pixels=10)
    assert all(math.isnan(x) for x in (clean.precision, clean.recall, clean.f1))
    assert clean.error_rate == 0
    missed = PixelCounts(pixels=10, wrong=3)
    assert (missed.recall, missed.f1) == (0.0, 0.0)
    assert math.isnan(missed.precision)
    cried = PixelCounts(pixels=10, flagged=3)
    assert (cried.precision, cried.f1) == (0.0, 0.0)
    assert math.isnan(cried.recall)


def test_an_image_without_wrong_pixels_is_left_out_of_the_mean_recall() -> None:
    scores = IdentificationEvaluator()
    zero, one = np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8)
    scores.add("clean", zero, zero, np.zeros((2, 2), bool))
    scores.add("wrong", zero, one, np.array([[1, 1], [1, 0]]))
    assert scores.summary()["per_image"]["recall"] == {"mean": 0.75, "n": 1}
    assert math.isnan(IdentificationEvaluator().summary()["f1"])


def test_ignored_pixels_are_not_looked_at() -> None:
    given = np.array([0, 1, IGNORE, 1], np.uint8)
    truth = np.array([1, IGNORE, 1, 1], np.uint8)
    found = identification_counts(given, truth, np.array([True, True, True, True]))
    assert found == PixelCounts(pixels=2, wrong=1, flagged=2, hits=1)


def test_boundary_and_interior_add_up_to_all() -> None:
    scores = IdentificationEvaluator(band=1)
    given, truth, flagged = case(3, (12, 12))
    given[:8] = 0
    scores.add("x", given, truth, flagged)
    summary = scores.summary()
    for name in ("pixels", "wrong", "flagged", "hits"):
        assert summary["boundary"][name] + summary["interior"][name] == summary[name]
    assert summary["boundary"]["pixels"] > 0
    assert summary["interior"]["pixels"] >= 7 * 12


def test_boundary_is_what_is_near_another_class() -> None:
    given = np.zeros((9, 10), np.uint8)
    given[3:7, 2:6] = 1
    given[0, 9] = IGNORE
    pixels = [p for p in np.ndindex(given.shape) if given[p] != IGNORE]
    flagged = np.ones(given.shape, bool)
    for band in (1, 2.5):
        scores = IdentificationEvaluator(band=band)
        scores.add("x", given, given, flagged)
        near = sum(
            any(given[p] != given[q] and math.dist(p, q) <= band for q in pixels) for p in pixels
        )
        assert scores.summary()["boundary"]["pixels"] == near


def test_bad_input() -> None:
    mask = np.zeros((2, 2), np.uint8)
    scores = IdentificationEvaluator()
    scores.add("x", mask, mask, mask > 0)
    with pytest.raises(DataError, match="x is scored twice"):
        scores.add("x", mask, mask, mask > 0)
    with pytest.raises(DataError, match="differ in size"):
        scores.add("y", mask, mask, np.zeros((2, 3), bool))
    with pytest.raises(DataError, match="error map is none"):
        scores.add("y", mask, mask, mask + np.uint8(255))
    with pytest.raises(ConfigError, match="band"):
        IdentificationEvaluator(band=0)
