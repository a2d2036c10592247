"""Shares of wrong labels, from the confident joint."""

import numpy as np
import pytest

from mixednoise.separation.confident_joint import (
    calibrate_keeping_shares,
    wrong_shares,
    wrong_shares_of_biased,
)


@pytest.mark.parametrize("classes", [2, 4, 7])
def test_equal_to_cleanlabs_confident_joint(classes):
    count = pytest.importorskip("cleanlab.count")
    rng = np.random.default_rng(classes)
    labels = rng.integers(0, classes, 900)
    p = rng.dirichlet(np.full(classes, 0.4), 900)
    joint = count.compute_confident_joint(labels, p, calibrate=False)
    expected = 1 - np.diagonal(joint) / joint.sum(axis=1)
    np.testing.assert_allclose(wrong_shares(labels, p), expected, atol=1e-12)


def test_known_shares_are_found():
    labels = np.repeat([0, 1], 50)
    p = np.full((100, 2), 0.1)
    true = np.where(np.arange(100) < 20, 1, labels)  # 20 of the first 50 are wrong
    p[np.arange(100), true] = 0.9
    assert wrong_shares(labels, p).tolist() == pytest.approx([0.4, 0.0])


def test_a_class_without_samples_has_none_wrong():
    p = np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8]])
    assert wrong_shares(np.array([0, 2]), p).tolist() == [0.0, 0.0, 0.0]


def test_a_bias_towards_the_large_class_is_not_taken_for_wrong_labels():
    """Class 1 is rare: its samples are told apart well, but never become the most probable."""
    labels = np.array([0] * 80 + [1] * 10 + [2] * 10)
    of_class = np.array([[0.70, 0.02, 0.28], [0.72, 0.20, 0.08], [0.30, 0.02, 0.68]])
    p = of_class[labels]
    p[80:82] = of_class[0]  # two of the ten do not
    assert wrong_shares(labels, p)[1] > 0.9
    assert wrong_shares_of_biased(labels, p)[1] == pytest.approx(0.2)
    assert wrong_shares_of_biased(labels, p)[0] == pytest.approx(0.0)


def test_a_joint_that_keeps_the_shares_of_the_classes():
    """Rows as given, columns as given in all parts together; the odds stay those of the counts."""
    rng = np.random.default_rng(3)
    counts = [rng.integers(1, 200, (3, 3)) + np.diag([4000, 900, 500]) for _ in range(2)]
    given = [np.array([60_000, 9_000, 4_000]), np.array([3_000, 8_000, 6_000])]
    found = calibrate_keeping_shares(counts, given)
    for part, rows in zip(found, given, strict=True):
        np.testing.assert_array_equal(part.sum(axis=1), rows)
    np.testing.assert_allclose(sum(found).sum(axis=0), sum(given), atol=4)
    for part, seen in zip(found, counts, strict=True):
        odds = part[0, 0] * part[1, 2] / (part[0, 2] * part[1, 0])
        expected = seen[0, 0] * seen[1, 2] / (seen[0, 2] * seen[1, 0])
        assert odds == pytest.approx(expected, rel=0.1)


def test_with_two_classes_as_many_leave_as_come():
    found = calibrate_keeping_shares([np.array([[900, 100], [2, 98]])], [np.array([9_000, 1_000])])
    assert found[0][0, 1] == found[0][1, 0] > 20
    absent = calibrate_keeping_shares([np.array([[5, 0], [0, 1]])], [np.array([7, 0])])
    np.testing.assert_array_equal(absent[0], [[7, 0], [0, 0]])


def test_a_class_that_a_part_has_not_is_no_hindrance():
    """Two parts, as band and interior are: all of class 2 lies in the second."""
    interior, band = np.array([[90, 4, 0], [3, 60, 0], [0, 0, 1]]), np.diag([50, 40, 30])
    band[0, 1] = 6
    found = calibrate_keeping_shares([interior, band], [np.array([100, 70, 0]), band.sum(axis=1)])
    np.testing.assert_array_equal(found[0].sum(axis=1), [100, 70, 0])
    np.testing.assert_array_equal(found[0][2], 0)
    np.testing.assert_array_equal(found[1].sum(axis=1), [56, 40, 30])
    # As many of every class as before, over both parts: rounding may move a few.
    assert np.abs((found[0] + found[1]).sum(axis=0) - [156, 110, 30]).max() <= 2
    # A class that no part has, and one whose only items stay alone.
    nowhere = calibrate_keeping_shares([np.array([[9, 0], [0, 1]])] * 2, [np.array([9, 0])] * 2)
    for part in nowhere:
        np.testing.assert_array_equal(part, [[9, 0], [0, 0]])
