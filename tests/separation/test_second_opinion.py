"""Two verdicts made one, by hand."""

import numpy as np
import pytest

from mixednoise.errors import DataError
from mixednoise.separation import with_second_opinion


def test_odds_are_the_geometric_mean_and_mis_l_stays():
    first = np.array([[0.64, 0.16, 0.2]])  # odds of a right label 4, readable by .8
    second = np.array([[0.1, 0.1, 0.8]])  # even odds: it can't tell
    p = with_second_opinion(first, second)
    # sqrt(4 * 1) = 2: two thirds of .8 are right
    np.testing.assert_allclose(p, [[0.8 * 2 / 3, 0.8 / 3, 0.2]], rtol=1e-4)


def test_a_judge_that_cannot_tell_leaves_the_order_as_it_is():
    rng = np.random.default_rng(0)
    first = rng.dirichlet(np.ones(3), 50)
    first[:, 2], first[:, :2] = 0, first[:, :2] / first[:, :2].sum(axis=1, keepdims=True)
    even = np.tile([0.5, 0.5, 0.0], (50, 1))
    p = with_second_opinion(first, even)
    np.testing.assert_array_equal(p[:, 0].argsort(), first[:, 0].argsort())


def test_two_that_agree_are_believed_as_one():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), 50)
    np.testing.assert_allclose(with_second_opinion(p, p), p, atol=1e-4)


def test_certainty_and_nothing_readable_stay_finite():
    first = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    second = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    p = with_second_opinion(first, second)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(p[0], [0.5, 0.5, 0.0])  # sure of the contrary: nobody knows
    assert p[1, 1] > 0.999
    assert p[2].tolist() == [0.0, 0.0, 1.0]


def test_verdicts_over_other_samples_are_refused():
    with pytest.raises(DataError, match="different samples"):
        with_second_opinion(np.ones((2, 3)) / 3, np.ones((3, 3)) / 3)
