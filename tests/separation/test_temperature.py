"""How sure a verdict is, by hand."""

import numpy as np
import pytest

from mixednoise.separation import SeparationSettings, tempered


def test_odds_become_their_root_and_mis_l_stays():
    p = np.array([[0.64, 0.16, 0.2], [0.09, 0.81, 0.1], [0.5, 0.5, 0.0]])
    # odds of a right label 4, 1/9 and 1, their roots 2, 1/3 and 1
    expected = [[0.8 * 2 / 3, 0.8 / 3, 0.2], [0.9 / 4, 0.9 * 3 / 4, 0.1], [0.5, 0.5, 0.0]]
    np.testing.assert_allclose(tempered(p, 2), expected, rtol=1e-5)


def test_one_leaves_everything_as_it_is():
    p = np.array([[1.0, 0.0, 0.0], [0.2, 0.3, 0.5]])
    np.testing.assert_array_equal(tempered(p, 1), p)


@pytest.mark.parametrize("temperature", [1.5, 4])
def test_order_and_likelier_side_of_labels_stay(temperature):
    p = np.random.default_rng(0).dirichlet(np.ones(3), 200)
    p[:, 2] = 0.3
    p[:, :2] *= 0.7 / p[:, :2].sum(axis=1, keepdims=True)
    found = tempered(p, temperature)
    np.testing.assert_array_equal(found[:, 0].argsort(), p[:, 0].argsort())
    np.testing.assert_array_equal(found[:, 0] > found[:, 1], p[:, 0] > p[:, 1])
    assert (np.abs(found[:, 0] - 0.35) < np.abs(p[:, 0] - 0.35)).all(), "less sure, everywhere"


def test_certainty_nothing_readable_and_nobody_asked():
    p = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [np.nan, np.nan, np.nan]])
    found = tempered(p, 2)
    np.testing.assert_allclose(found[:2], [[0.999, 0.001, 0.0], [0.0, 0.0, 1.0]], atol=1e-6)
    assert np.isnan(found[2]).all()


def test_the_paper_has_none_of_it():
    assert SeparationSettings.paper().verdict_temperature == 1
    assert SeparationSettings().verdict_temperature > 1
