"""Axes, naming, memory."""

import numpy as np
import pytest

from mixednoise.errors import DataError
from mixednoise.separation import Mixture
from mixednoise.separation.axes import minmax, spread, surprise, uncertainty
from mixednoise.separation.memory import average, recall, remember
from mixednoise.separation.one_mixture import name_components


def test_minmax():
    np.testing.assert_allclose(minmax(np.array([2.0, 4.0, 3.0])), [0, 1, 0.5])
    np.testing.assert_array_equal(minmax(np.full(3, 7.0)), np.zeros(3))


def test_surprise_by_hand():
    # p = 1/2 on the label: odds against it 1. Entropy log 3: odds at the expected loss 2.
    assert surprise(np.log([2.0]), np.log([3.0]))[0] == pytest.approx(np.log(1 / 2))
    assert surprise(np.log([4.0]), np.log([4.0]))[0] == pytest.approx(0.0)


def test_the_first_choice_never_surprises():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.3), 2_000).clip(1e-12)
    entropy = -(p * np.log(p)).sum(axis=1)
    assert surprise(-np.log(p.max(axis=1)), entropy).max() <= 1e-9


@pytest.mark.parametrize("rest", [1e-2, 1e-4, 1e-7, 0.0])
def test_a_saturated_network_still_tells_right_from_wrong(rest):
    entropy = 0.0 if rest == 0 else -rest * np.log(rest) - (1 - rest) * np.log1p(-rest)
    right = surprise(np.array([-np.log1p(-rest)]), np.array([entropy]))
    wrong = surprise(np.array([-np.log(max(rest, 1e-30))]), np.array([entropy]))
    assert right[0] < -1.5
    assert wrong[0] > 3


def test_uncertainty_rises_with_entropy_up_to_log_c():
    entropy = np.linspace(0, np.log(5), 100)
    assert (np.diff(uncertainty(entropy, 5)) > 0).all()
    assert np.isfinite(uncertainty(np.array([np.log(5) + 1e-6]), 5)).all()


def test_spread_is_that_of_a_gaussian_and_ignores_outliers():
    x = np.random.default_rng(1).normal(3, 2, 20_001)
    x[:100] = 1e9
    middle, width = spread(x)
    assert middle == pytest.approx(3, abs=0.1)
    assert width == pytest.approx(2, rel=0.05)
    assert spread(np.array([0.0] * 99 + [1.0]))[1] > 0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_components_are_named_right_in_any_order(order):
    means = np.array([[0.1, 0.2], [0.8, 0.5], [0.05, 0.9]])  # correct, mis_h, mis_l
    correct, mis_h, mis_l = name_components(means[list(order)])
    assert [order[correct], order[mis_h[0]], order[mis_l]] == [0, 1, 2]


def test_memory_is_a_plain_mean_first_and_exponential_later():
    loss, entropy, state = average(np.array([1.0]), np.array([8.0]), None, 0.6)
    assert (loss[0], entropy[0]) == (1.0, 8.0)
    loss, _, state = average(np.array([2.0]), np.array([8.0]), state, 0.6)
    assert loss[0] == pytest.approx(1.5)  # 1/2 old
    loss, _, state = average(np.array([4.0]), np.array([8.0]), state, 0.6)
    assert loss[0] == pytest.approx(0.6 * 1.5 + 0.4 * 4)  # not 2/3: the cap holds


def test_memory_survives_a_value_that_is_no_number():
    _, _, state = average(np.array([1.0, np.nan]), np.array([1.0, 1.0]), None, 0.5)
    loss, _, state = average(np.array([np.nan, 3.0]), np.array([1.0, 1.0]), state, 0.5)
    np.testing.assert_array_equal(loss, [1.0, 3.0])


def test_no_memory_keeps_nothing():
    loss, _, state = average(np.array([1.0]), np.array([1.0]), {"updates": 3.0}, 0.0)
    assert loss[0] == 1.0
    assert set(state) == {"updates"}


def test_memory_of_another_data_set_is_refused():
    _, _, state = average(np.ones(3), np.ones(3), None, 0.5)
    with pytest.raises(DataError, match="another data set"):
        average(np.ones(4), np.ones(4), state, 0.5)


def test_remembered_mixtures_come_back_only_in_the_right_shape():
    state = {}
    mixture = Mixture.line([0.3, 0.7], [0.0, 1.0], [1.0, 2.0])
    remember(state, "all", mixture)
    (back,) = recall(state, "all", (2, 1))
    np.testing.assert_array_equal(back.covariances, mixture.covariances)
    assert recall(state, "all", (3, 1)) == []
    assert recall(state, "class0", (2, 1)) == []
    assert recall(None, "all", (2, 1)) == []
