"""How unlike the others an image looks."""

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from mixednoise.quality.unusual import FARTHEST, distance_from_middle, unusualness


class Array:
    """A pixel store of an array, that counts how many images are asked for at a time."""

    def __init__(self, images):
        self.images, self.most = images, 0

    def take(self, rows):
        self.most = max(self.most, len(rows))
        return self.images[rows]


def scene(rng, size):
    """A smooth bright disc with fine structure."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    disc = (np.hypot(x, y) < 0.48)[..., None]
    texture = ndimage.gaussian_filter(rng.normal(size=(size, size, 1)), (2, 2, 0)) * 60
    light = rng.uniform(110, 150) + texture + rng.uniform(-30, 30) * x[..., None]
    return disc * light * np.array([1.0, 0.7, 0.4])


def ruin(image, how, rng):
    """Four ways to be unreadable, which pull the measures in different directions."""
    if how == 0:
        return ndimage.gaussian_filter(image, (8, 8, 0))
    if how == 1:
        return image + rng.normal(0, 60, image.shape)
    if how == 2:
        return image * 0.12
    return image * 0.2 + 200


@pytest.mark.parametrize("size", [32, 96])
def test_ruined_images_are_unusual_in_whatever_way_they_are(size):
    rng = np.random.default_rng(0)
    images = [scene(rng, size) for _ in range(120)]
    ruined = np.arange(120) >= 100
    images[100:] = [ruin(image, i % 4, rng) for i, image in enumerate(images[100:])]
    store = Array(np.clip(images, 0, 255).astype(np.uint8))
    found = unusualness(store, np.arange(120), workers=2)
    assert roc_auc_score(ruined, found) > 0.95
    assert store.most < 120  # never all of them in memory
    np.testing.assert_array_equal(found, unusualness(store, np.arange(120), workers=1))
    some = np.arange(119, 0, -3)
    assert unusualness(store, some).shape == (40,)


def test_distance_is_the_mean_square_in_robust_deviations():
    # log1p of the middle column is 0, 1, ..., 10: median 5, median absolute deviation 3.
    values = np.stack([np.full(11, 2.0), np.expm1(np.arange(11.0))], axis=1)
    width = 1.4826 * 3
    expected = ((np.arange(11) - 5) / width) ** 2 / 2
    np.testing.assert_allclose(distance_from_middle(values), expected)


def test_no_measure_counts_without_end_and_none_divides_by_zero():
    far = np.array([[1.0], [1.1], [0.9], [1e9]])
    assert distance_from_middle(far)[-1] == FARTHEST**2
    # More than half are the same: the others differ by their standard deviation.
    most = np.array([[0.0], [0.0], [0.0], [np.expm1(2.0)]])
    np.testing.assert_allclose(distance_from_middle(most), [0, 0, 0, 4 / (3 / 4)])
    assert (distance_from_middle(np.ones((5, 7))) == 0).all()
    assert distance_from_middle(np.zeros((0, 7))).shape == (0,)
