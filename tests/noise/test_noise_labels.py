"""Wrong labels: how many, which, and never the true one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from mixednoise.errors import ConfigError, DataError
from mixednoise.noise import (
    by_class_map,
    by_frequency,
    image_descriptor,
    instance_dependent,
    symmetric,
)
from mixednoise.noise.instance import class_probabilities


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def imbalanced(n: int = 400) -> np.ndarray:
    return rng(1).choice(4, size=n, p=[0.6, 0.25, 0.1, 0.05])


def features(labels: np.ndarray, spread: float = 1.0) -> np.ndarray:
    centres = np.array([[0, 0, 0], [4, 0, 0], [0, 4, 0], [0, 0, 4]], dtype=float)
    return centres[labels] + spread * rng(2).standard_normal((len(labels), 3))


FLIPS = {
    "symmetric": lambda y, rate, r: symmetric(y, rate, 4, r),
    "frequency": lambda y, rate, r: by_frequency(y, rate, 4, r),
    "instance": lambda y, rate, r: instance_dependent(y, features(y), rate, 4, r),
}
EVERY_FLIP = pytest.mark.parametrize("flip", FLIPS.values(), ids=FLIPS.keys())


@EVERY_FLIP
@pytest.mark.parametrize(("rate", "count"), [(0, 0), (0.2, 80), (0.333, 133), (1, 400)])
def test_exactly_the_share_of_rows_changes(flip, rate, count):
    labels = imbalanced()
    before = labels.copy()
    out = flip(labels, rate, rng())
    assert (out != labels).sum() == count
    assert out.dtype == np.int64
    assert set(np.unique(out)) <= {0, 1, 2, 3}
    assert (labels == before).all()


@EVERY_FLIP
def test_the_same_generator_gives_the_same_labels(flip):
    labels = imbalanced()
    assert (flip(labels, 0.4, rng(5)) == flip(labels, 0.4, rng(5))).all()
    assert (flip(labels, 0.4, rng(5)) != flip(labels, 0.4, rng(6))).any()


@EVERY_FLIP
@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan"), 40])
def test_a_rate_that_is_no_share_is_refused(flip, rate):
    with pytest.raises(ConfigError, match="share"):
        flip(imbalanced(), rate, rng())


@EVERY_FLIP
def test_labels_that_are_no_class_codes_are_refused(flip):
    for labels in (np.array([0, 1, 4]), np.array([0, -1]), np.array([0.5, 1.0]), np.zeros((2, 2))):
        with pytest.raises(DataError):
            symmetric(labels, 0.5, 4, rng())


def test_symmetric_is_uniform_over_the_other_classes():
    labels = np.full(6000, 2)
    out = symmetric(labels, 1.0, 5, rng())
    assert chisquare(np.bincount(out, minlength=5)[[0, 1, 3, 4]]).pvalue > 1e-3


def test_by_frequency_follows_the_class_frequencies_without_the_true_class():
    labels = np.repeat([0, 1, 2, 3], [3000, 1500, 1000, 500])
    out = by_frequency(labels, 1.0, 4, rng())
    counts = np.bincount(out[labels == 1], minlength=4)
    assert counts[1] == 0
    # of the others 3000 : 1000 : 500
    expected = 1500 * np.array([3000, 1000, 500]) / 4500
    assert chisquare(counts[[0, 2, 3]], expected).pvalue > 1e-3


def test_by_frequency_never_invents_a_class_that_does_not_occur():
    labels = np.repeat([1, 3], 50)
    assert set(by_frequency(labels, 1.0, 6, rng()).tolist()) == {1, 3}


def test_one_class_alone_can_not_be_wrong():
    labels = np.zeros(10, dtype=int)
    with pytest.raises(DataError, match="one class"):
        by_frequency(labels, 0.5, 3, rng())
    with pytest.raises(DataError, match="one class"):
        instance_dependent(labels, np.arange(10.0)[:, None], 0.5, 3, rng())
    with pytest.raises(DataError, match="one class"):
        symmetric(labels, 0.5, 1, rng())
    assert (by_frequency(labels, 0.0, 3, rng()) == 0).all()


def test_class_map_changes_its_share_of_each_mapped_class_and_nothing_else():
    labels = np.repeat([0, 1, 2, 3], [100, 50, 30, 7])
    out = by_class_map(labels, 0.3, {1: 0, 3: 2}, rng())
    assert (out[labels == 0] == 0).all()
    assert (out[labels == 2] == 2).all()
    assert (out[labels == 1] == 0).sum() == 15
    assert (out[labels == 3] == 2).sum() == 2  # round(2.1)
    assert np.isin(out[labels == 1], [0, 1]).all()


def test_a_swap_of_two_classes_reads_the_true_labels_only():
    labels = np.repeat([0, 1], 40)
    out = by_class_map(labels, 1.0, {0: 1, 1: 0}, rng(), num_classes=2)
    assert (out == 1 - labels).all()


@pytest.mark.parametrize("class_map", [{}, {0: 0}, {0: 9}, {9: 0}])
def test_a_class_map_that_makes_no_sense_is_refused(class_map):
    with pytest.raises(ConfigError, match="class map"):
        by_class_map(np.array([0, 1, 2]), 0.5, class_map, rng(), num_classes=3)


def test_ambiguous_images_are_mislabeled_more_often():
    labels = np.repeat([0, 1], 500)
    place = np.concatenate([np.linspace(-4, 0, 500), np.linspace(0, 4, 500)])
    x = np.stack([place, rng(3).standard_normal(1000) * 0.1], axis=1)
    out = instance_dependent(labels, x, 0.2, 2, rng())
    near, far = np.abs(place) < 1, np.abs(place) > 3
    flipped = out != labels
    assert flipped.sum() == 200
    assert flipped[near].mean() > 5 * flipped[far].mean()


def test_an_image_is_taken_for_the_class_it_looks_like():
    # class 0 lies between 1 and 2, its two halves each near one of them
    labels = np.repeat([0, 1, 2], [200, 100, 100])
    place = np.concatenate(
        [np.full(100, -1.0), np.full(100, 1.0), np.full(100, -2.0), np.full(100, 2.0)]
    )
    x = (place + 0.3 * rng(4).standard_normal(400))[:, None]
    out = instance_dependent(labels, x, 0.5, 3, rng())
    left, right = out[:100], out[100:200]
    assert (left == 1).sum() > 5 * (left == 2).sum()
    assert (right == 2).sum() > 5 * (right == 1).sum()


def test_class_probabilities_agree_with_a_linear_discriminant():
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    labels = imbalanced(3000)
    x = features(labels, spread=1.5)
    expected = LinearDiscriminantAnalysis().fit(x, labels).predict_proba(x)
    # many rows, few features: next to nothing is shrunken away
    np.testing.assert_allclose(class_probabilities(x, labels, 4), expected, atol=0.02)


def test_instance_noise_lives_with_odd_features_and_rare_classes():
    labels = np.array([0] * 20 + [1] * 20 + [4])
    x = np.zeros((41, 5))
    x[:, 0] = 7.0
    x[:, 1] = rng().standard_normal(41)
    out = instance_dependent(labels, x, 0.3, 6, rng())
    assert (out != labels).sum() == 12
    assert set(out.tolist()) <= {0, 1, 4}
    constant = instance_dependent(labels, np.ones((41, 2)), 0.3, 6, rng())
    assert (constant != labels).sum() == 12
    wide = instance_dependent(labels, rng().standard_normal((41, 200)), 0.3, 6, rng())
    assert (wide != labels).sum() == 12


@pytest.mark.parametrize(
    "x", [np.zeros((3, 2)), np.zeros(4), np.full((4, 2), np.nan), np.zeros((4, 0))]
)
def test_features_that_do_not_fit_are_refused(x):
    with pytest.raises(DataError, match="features"):
        instance_dependent(np.array([0, 1, 0, 1]), x, 0.5, 2, rng())


def test_the_descriptor_sees_colour_and_detail_at_any_size():
    red = np.zeros((28, 40, 3), np.uint8)
    red[..., 0] = 200
    blue = red[..., ::-1].copy()
    noisy = rng().integers(0, 256, (200, 100, 3), dtype=np.uint8)
    d = [image_descriptor(image) for image in (red, blue, noisy)]
    assert all(x.shape == (118,) and x.dtype == np.float32 and np.isfinite(x).all() for x in d)
    assert np.abs(d[0] - d[1]).max() > 0.5
    assert (d[2][-4:] > d[0][-4:] + 0.5).any()
    np.testing.assert_allclose(image_descriptor(red.repeat(4, 0).repeat(4, 1)), d[0], atol=1e-3)
