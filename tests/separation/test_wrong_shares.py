"""Shares of wrong labels, from the confident joint."""

import numpy as np
import pytest

from mixednoise.separation.confident_joint import wrong_shares, wrong_shares_of_biased


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
